"""Whom a business writes to first: as many in 24 hours as Meta allows, and never a reply less."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from store import portfolios, turns
from store.claims import Claimed, Unclaimed, claim
from store.engine import Database
from store.turn_plan import Rules
from tests.rows import Number, change, connected_number, conversation, queued, row, value
from whatsapp.messaging_limit import contacts_in_24_hours

DAY = timedelta(hours=24)


@pytest.mark.parametrize(
    ("told", "limit"),
    [
        ("TIER_250", 250),
        ("TIER_2K", 2000),
        ("TIER_10K", 10_000),
        ("TIER_100K", 100_000),
        ("5000", 5000),
        ("TIER_UNLIMITED", None),
        ("TIER_NOT_SET", None),
        ("", None),
        (None, None),
    ],
)
def test_a_limit_is_read_as_meta_tells_it(told: str | None, limit: int | None) -> None:
    assert contacts_in_24_hours(told) == limit


async def limited(database: Database, limit: str | None) -> Number:
    number = await connected_number(database)
    await change(database, "UPDATE integrations SET messaging_limit = :limit", limit=limit)
    return number


async def template(database: Database, number: Number, n: int, *, opened: timedelta | None = None) -> UUID:
    """A template to a customer of its own; their window is closed unless `opened`."""
    conversation_id = await conversation(database, number, wa_id=f"49170{n:07}", opened=opened)
    return await queued(database, number, conversation_id, type="template", content={"template": {"name": "hi"}})


async def counted(database: Database) -> int:
    return int(await value(database, "SELECT count(*) FROM portfolio_contacts"))


async def test_of_twenty_that_are_written_to_first_at_once_as_many_go_as_meta_allows(database: Database) -> None:
    number = await limited(database, "TIER_12")
    ids = [await template(database, number, n) for n in range(20)]

    results = await asyncio.gather(*(claim(database, message_id) for message_id in ids))

    assert sum(isinstance(result, Claimed) for result in results) == 12
    assert await counted(database) == 12
    held = [await row(database, "messages", one.message_id) for one in results if isinstance(one, Unclaimed)]
    assert {one.hold for one in held} == {"portfolio"}
    assert "Meta lets the business write to 12 customers first" in held[0].reason
    # Each is promised the leaving of another of the twelve, the first of them that of the oldest.
    assert len({one.hold_until for one in held}) == 8
    in_a_day = datetime.now(UTC) + DAY
    assert all(in_a_day - timedelta(minutes=5) < one.hold_until < in_a_day for one in held)


async def test_a_place_is_free_when_the_oldest_has_left_the_24_hours(database: Database) -> None:
    number = await limited(database, "TIER_2")
    for n in range(2):
        assert isinstance(await claim(database, await template(database, number, n)), Claimed)
    waits = await template(database, number, 2)
    assert isinstance(await claim(database, waits), Unclaimed)

    await change(
        database,
        "UPDATE portfolio_contacts SET sent_at = sent_at - interval '24 hours' "
        "WHERE sent_at = (SELECT min(sent_at) FROM portfolio_contacts)",
    )

    assert isinstance(await claim(database, waits), Claimed)
    assert await counted(database) == 2
    assert isinstance(await claim(database, await template(database, number, 3)), Unclaimed)


async def test_a_customer_counts_once_in_24_hours(database: Database) -> None:
    number = await limited(database, "TIER_1")
    first = await template(database, number, 1)
    assert isinstance(await claim(database, first), Claimed)
    await change(database, "UPDATE messages SET state = 'accepted'")
    conversation_id = (await row(database, "messages", first)).conversation_id

    again = await queued(database, number, conversation_id, type="template", content={"template": {"name": "hi"}})

    assert isinstance(await claim(database, again), Claimed)
    assert await counted(database) == 1


async def test_replies_and_templates_within_a_window_are_neither_counted_nor_held(database: Database) -> None:
    number = await limited(database, "TIER_0")
    within = await template(database, number, 1, opened=timedelta(hours=1))
    reply = await queued(database, number, await conversation(database, number, wa_id="4917"))

    assert isinstance(await claim(database, within), Claimed)
    assert isinstance(await claim(database, reply), Claimed)
    assert await counted(database) == 0


@pytest.mark.parametrize("told", [None, "TIER_UNLIMITED", "TIER_NOT_SET"])
async def test_where_no_limit_is_known_nothing_is_held(database: Database, told: str | None) -> None:
    number = await limited(database, told)
    results = [await claim(database, await template(database, number, n)) for n in range(3)]
    assert all(isinstance(result, Claimed) for result in results)


async def test_numbers_of_one_business_share_its_limit(database: Database) -> None:
    number = await limited(database, "TIER_1")
    other = await connected_number(database, digits="15550002")
    await change(
        database, "UPDATE wabas SET business_id = 'business', organization_id = :id", id=number.organization_id
    )
    for table in ("integrations", "contacts", "conversations", "messages"):
        await change(database, f"UPDATE {table} SET organization_id = :id", id=number.organization_id)  # noqa: S608
    await change(database, "UPDATE integrations SET messaging_limit = 'TIER_1'")
    of_the_business = Number(number.organization_id, other.agent_flow_id, other.integration_id, "", "", "", "")

    assert isinstance(await claim(database, await template(database, number, 1)), Claimed)
    assert isinstance(await claim(database, await template(database, of_the_business, 2)), Unclaimed)


async def test_a_reply_goes_before_a_template_that_waits_for_room_and_takes_it_along(database: Database) -> None:
    number = await limited(database, "TIER_0")
    waits = await template(database, number, 1)
    assert isinstance(await claim(database, waits), Unclaimed)
    conversation_id = (await row(database, "messages", waits)).conversation_id
    found = await turns.look(database, conversation_id, rules=Rules())
    assert found is not None
    assert (found[1].to_send, found[1].waiting_for[:18]) == ([], "Meta lets the busi")

    await change(database, "UPDATE conversations SET window_opened_at = now()")
    reply = await queued(database, number, conversation_id)

    assert isinstance(await claim(database, reply), Claimed)
    await change(database, "UPDATE messages SET state = 'accepted' WHERE id = :id", id=reply)
    found = await turns.look(database, conversation_id, rules=Rules())
    assert found is not None
    assert found[1].to_send == [waits]
    assert isinstance(await claim(database, waits), Claimed)


@pytest.mark.parametrize(("told", "released"), [("TIER_2", True), ("TIER_UNLIMITED", True), ("TIER_1", False)])
async def test_what_waits_for_room_goes_on_when_meta_tells_a_higher_limit(
    database: Database, told: str, *, released: bool
) -> None:
    number = await limited(database, "TIER_1")
    await claim(database, await template(database, number, 1))
    waits = await template(database, number, 2)
    await claim(database, waits)
    await change(database, "UPDATE integrations SET messaging_limit = :told", told=told)

    async with database.transaction() as connection:
        await portfolios.release(connection, number.integration_id)

    held = await row(database, "messages", waits)
    assert (held.hold is None) is released
    assert ((await row(database, "conversations", held.conversation_id)).due_at is not None) is released
