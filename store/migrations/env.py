"""Runs migrations on the connection that `store.migrate` hands over, or on `-x url=` from alembic's command line."""

import asyncio

from alembic import context
from sqlalchemy import Connection
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from store.tables import metadata


def _run(connection: Connection) -> None:
    context.configure(connection=connection, target_metadata=metadata, transaction_per_migration=True)
    with context.begin_transaction():
        context.run_migrations()


async def _connect_and_run() -> None:
    engine = create_async_engine(context.get_x_argument(as_dictionary=True)["url"], poolclass=NullPool)
    async with engine.connect() as connection:
        await connection.run_sync(_run)


_given = context.config.attributes.get("connection")
if _given is None:
    asyncio.run(_connect_and_run())
else:
    _run(_given)
