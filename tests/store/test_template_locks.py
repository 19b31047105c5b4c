"""Templates that are deleted while others write to them: all lock in one order, so nobody waits in a ring."""

import asyncio

from sqlalchemy import text

from store import template_writes
from store.audit import By
from store.engine import Database
from store.reading.templates import read_template
from tests.rows import blocked, change, connected_number
from tests.templates import at_meta, synced, template_row

_LOCK = text("SELECT FROM templates WHERE id = :id FOR NO KEY UPDATE")


async def test_a_template_deleted_in_all_languages_and_an_event_about_it_do_not_wait_for_each_other(
    database: Database,
) -> None:
    number = await connected_number(database)
    await synced(database, number, at_meta("shipped", "nl"), at_meta("shipped", "de"))
    # Whichever way a plan finds them, the row with the higher id comes first: by its language and by its place.
    low, high = [await template_row(database, "shipped", language) for language in ("nl", "de")]
    assert low.id < high.id
    await change(database, "UPDATE templates SET says = 'moved behind' WHERE id = :id", id=low.id)
    template = await read_template(database, number.organization_id, low.id)
    async with database.transaction() as event:
        await event.execute(_LOCK, {"id": low.id})
        deletion = template_writes.keep_deleted(database, template, number.organization_id, all_languages=True, by=By())
        deleting = asyncio.create_task(deletion)
        await blocked(database)
        await event.execute(_LOCK, {"id": high.id})
    assert [one.status for one in await deleting] == ["DELETED", "DELETED"]
