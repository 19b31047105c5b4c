"""The connection to Postgres. Only `store` begins and ends transactions: one unit of work, one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

DATABASE_ERRORS: tuple[type[Exception], ...] = (
    OSError,
    SQLAlchemyError,
    asyncpg.PostgresError,
    asyncpg.InterfaceError,
)
"""What a query may raise while Postgres is away, restarting or refusing; the driver's own come bare from connecting."""


class Database:
    """A pool of connections and the way to open a transaction on one."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._autocommit = engine.execution_options(isolation_level="AUTOCOMMIT")

    @classmethod
    def connect(cls, url: str, *, pool_size: int = 20, application: str = "holdfast") -> "Database":
        """A pool that opens its connections when they are first needed.

        At most `pool_size`, kept once open: a connection that is opened for a peak and closed after it costs more than
        all that is done on it. The last one used is taken first: its statements are prepared and its pages in cache.
        Values never appear in its errors (`hide_parameters`): they would carry messages and tokens into logs.
        """
        engine = create_async_engine(
            url,
            pool_size=pool_size,
            max_overflow=0,
            pool_use_lifo=True,
            pool_timeout=5,
            hide_parameters=True,
            connect_args={"timeout": 5, "server_settings": {"application_name": application, "jit": "off"}},
        )
        return cls(engine)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """One transaction, READ COMMITTED: committed at the end of the block, rolled back when it raises."""
        async with self.engine.begin() as connection:
            yield connection

    @asynccontextmanager
    async def statement(self) -> AsyncIterator[AsyncConnection]:
        """For a transaction of one statement: committed with it, one round trip instead of three."""
        async with self._autocommit.connect() as connection:
            yield connection

    async def close(self) -> None:
        """Close every connection of the pool."""
        await self.engine.dispose()
