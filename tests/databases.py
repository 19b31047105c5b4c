"""Databases for tests: each test has one of its own for as long as it lasts; one that was emptied serves the next.

A copy of the migrated template takes a quarter of a second to make and to drop, to empty one a twentieth of that.
"""

from dataclasses import dataclass, field
from itertools import count

import asyncpg
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from store.engine import Database
from tests.services import clone_database, drop_database

# All that a test can change of a database beside its rows.
_FINGERPRINT = """
    SELECT md5(string_agg(what, E'\\n' ORDER BY what)) FROM (
      SELECT format('%s.%s %s %s %s', a.attrelid, a.attnum, a.attname, a.atttypid, a.attnotnull) AS what
      FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
      WHERE c.relnamespace = 'public'::regnamespace AND c.relkind = 'r' AND a.attnum > 0
      UNION ALL SELECT conname FROM pg_constraint WHERE connamespace = 'public'::regnamespace
      UNION ALL SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace
      UNION ALL SELECT tgname FROM pg_trigger
      UNION ALL SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace
      UNION ALL SELECT setconfig::text FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
    ) AS schema
"""

# To delete few rows takes a hundredth of what a truncated table costs; foreign keys are not asked meanwhile.
_EMPTY = """
    DO $$
    DECLARE
      name text;
      found boolean;
    BEGIN
      PERFORM pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND pid <> pg_backend_pid();
      SET LOCAL session_replication_role = replica;
      FOR name IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version' LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %I)', name) INTO found;
        IF pg_table_size(quote_ident(name)::regclass) > 1000000 THEN
          EXECUTE format('TRUNCATE %I CASCADE', name);
        ELSIF found THEN
          EXECUTE format('DELETE FROM %I', name);
        END IF;
      END LOOP;
      PERFORM setval(format('%I', sequencename)::regclass, 1, false) FROM pg_sequences
      WHERE schemaname = 'public' AND last_value IS NOT NULL;
    END $$
"""


@dataclass(slots=True)
class Databases:
    """The databases of one test worker, copies of a migrated template."""

    template: str
    prefix: str
    _free: list[str] = field(default_factory=list)
    _fingerprint: str | None = None
    _numbers: "count[int]" = field(default_factory=count)
    _keepers: "dict[str, asyncpg.Connection[asyncpg.Record]]" = field(default_factory=dict)
    _engines: dict[str, AsyncEngine] = field(default_factory=dict)

    async def take(self) -> str:
        """The address of a migrated database without a row."""
        if self._free:
            return self._free.pop()
        return await clone_database(self.template, f"{self.prefix}_{next(self._numbers)}")

    async def give_back(self, url: str) -> None:
        """Empty it, whoever is still connected; one whose schema was changed is dropped."""
        if self._fingerprint is None:
            fresh = await self.take()
            self._fingerprint = await (await self._keeper(fresh)).fetchval(_FINGERPRINT)
            self._free.append(fresh)
        keeper = await self._keeper(url)
        if await keeper.fetchval(_FINGERPRINT) == self._fingerprint:
            await keeper.execute(_EMPTY)
            self._free.append(url)
        else:
            await self._drop(url)

    def connect(self, url: str) -> Database:
        """A pool of a test's own, of an engine that has compiled the statements of the tests before it.

        To compile them in each test anew takes a sixth of its own time. What listens to a test's engine hears it alone.
        """
        if url not in self._engines:
            self._engines[url] = Database.connect(url).engine
        return Database(self._engines[url].execution_options())

    async def close(self) -> None:
        """Drop them all."""
        for url in self._free:
            await self._drop(url)

    async def _keeper(self, url: str) -> "asyncpg.Connection[asyncpg.Record]":
        """The one connection that stays: opening one takes longer than emptying a database."""
        keeper = self._keepers.get(url)
        if keeper is None or keeper.is_closed():
            address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
            keeper = self._keepers[url] = await asyncpg.connect(address)
        return keeper

    async def _drop(self, url: str) -> None:
        if keeper := self._keepers.pop(url, None):
            await keeper.close()
        await drop_database(self.template, str(make_url(url).database))
