"""What is looked up by something rare is found by an index: without one every row of the largest tables is read."""

import pytest
from sqlalchemy import text

from store import media_uploads, merging
from store.engine import Database
from store.ids import new_id

_LOOKED_UP = [
    (media_uploads._BEGIN.text, "ix_messages_media_id"),
    (media_uploads._WAITING.text, "ix_messages_media_id"),
    (media_uploads._RELEASE.text, "ix_messages_media_id"),
    (media_uploads._FAIL.text, "ix_messages_media_id"),
    *((one.text, "uq_media_message_id") for one in merging._MOVE if "UPDATE media" in one.text),
    *((one.text, "ix_conversations_merged_into") for one in merging._MOVE if "WHERE merged_into" in one.text),
    *((one.text, "ix_contacts_merged_into") for one in merging._CARRY if "OR merged_into" in one.text),
]


@pytest.mark.parametrize(("statement", "index"), _LOOKED_UP)
async def test_a_statement_finds_its_rows_by_an_index(database: Database, statement: str, index: str) -> None:
    explained = text(f"EXPLAIN {statement}")
    values = {name: {"why": "", "code": 0, "detail": ""}.get(name, new_id()) for name in explained.compile().params}
    async with database.transaction() as connection:
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # a table of a few rows needs no index
        plan = "\n".join((await connection.execute(explained, values)).scalars())
    assert index in plan, plan
