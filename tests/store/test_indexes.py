"""What is looked up by something rare is found by an index: without one every row of the largest tables is read."""

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import media_uploads, merging
from store.engine import Database
from store.ids import new_id
from tests.rows import connected_number, conversation, queued

_LOOKED_UP = [
    (media_uploads._BEGIN.text, "ix_messages_media_id"),
    (media_uploads._WAITING.text, "ix_messages_media_id"),
    (media_uploads._RELEASE.text, "ix_messages_media_id"),
    (media_uploads._FAIL.text, "ix_messages_media_id"),
    *((one.text, "uq_media_message_id") for one in merging._MOVE if "UPDATE media" in one.text),
    *((one.text, "ix_conversations_merged_into") for one in merging._MOVE if "WHERE merged_into" in one.text),
    *((one.text, "ix_contacts_merged_into") for one in merging._CARRY if "OR merged_into" in one.text),
]

# What differs from row to row of one number, so that the planner has something to choose by.
_DIFFERS = {
    "contacts": "'id', gen_random_uuid()",
    "conversations": "'id', gen_random_uuid(), 'contact_id', gen_random_uuid()",
    "messages": "'id', gen_random_uuid(), 'conversation_id', gen_random_uuid()",
}


async def _fill(connection: AsyncConnection) -> None:
    """2,000 more of each row that is there, and the statistics of a busy number: a plan is only as good as they are."""
    await connection.execute(text("SET LOCAL session_replication_role = replica"))  # nobody asks for their parents
    for table, differs in _DIFFERS.items():
        more = f"""
            INSERT INTO {table}
            SELECT (jsonb_populate_record(r, jsonb_build_object({differs}))).* FROM {table} r, generate_series(1, 2000)
        """  # noqa: S608
        await connection.execute(text(more))
        await connection.execute(text(f"ANALYZE {table}"))


async def test_what_is_looked_up_by_something_rare_is_found_by_an_index(database: Database) -> None:
    number = await connected_number(database)
    await queued(database, number, await conversation(database, number))
    told: dict[str, object] = {"why": "", "code": 0, "detail": "", "integration_id": number.integration_id}
    missed = {}
    async with database.transaction() as connection:
        await _fill(connection)
        await connection.execute(text("SET LOCAL enable_seqscan = off"))  # tables that nobody filled need no index
        for statement, index in _LOOKED_UP:
            explained = text(f"EXPLAIN {statement}")
            values = {name: told.get(name, new_id()) for name in explained.compile().params}
            plan = "\n".join((await connection.execute(explained, values)).scalars())
            if index not in plan:
                missed[statement] = (index, plan)
    assert not missed, "\n\n".join(f"{index}\n{plan}" for index, plan in missed.values())
