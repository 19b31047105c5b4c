import pytest
from sqlalchemy import select, text

from store import error_reports
from store.engine import Database
from store.tables import error_reports as rows
from tests.logs import logged


async def provoke(database: Database) -> BaseException:
    """An error with a canary in its message, from the depth of the database driver."""
    with pytest.raises(Exception, match="canary") as caught:
        async with database.transaction() as connection:
            await connection.execute(text("SELECT 'canary-4711'::int"))
    return caught.value


async def test_a_report_says_what_happened_and_where_without_a_value(database: Database) -> None:
    with logged() as lines:
        report_id = await error_reports.record(database, where="send_message", error=await provoke(database))
    async with database.transaction() as connection:
        row = (await connection.execute(select(rows))).one()
    assert (row.id, row.where) == (report_id, "send_message")
    assert row.type.startswith("sqlalchemy.exc.")
    assert any("test_error_reports.py" in line and line.endswith("provoke") for line in row.trace)
    assert any("asyncpg" in line for line in row.trace), "the cause is told too"
    assert "canary" not in repr(row) + lines.getvalue()
    assert str(report_id) in lines.getvalue()


async def test_an_error_is_reported_even_while_postgres_is_away() -> None:
    away = Database.connect("postgresql+asyncpg://nobody@127.0.0.1:1/nothing")
    assert await error_reports.record(away, where="begin_turn", error=ValueError("canary-4711"))
