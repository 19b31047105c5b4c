"""What follows a file waits for its delivery, 5 s at most, where a number wants that; and for its own file's upload."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from store.claim_at_once import claim_at_once
from store.claims import Claimed, Unclaimed, claim
from store.engine import Database
from store.ids import new_id
from store.tables import media, media_uploads, messages
from tests.plans import plan_of
from tests.rows import Number, change, connected_number, conversation, queued, row
from whatsapp.kinds import FILES

IN_ORDER = "UPDATE integrations SET files_in_order = true WHERE id = :id"
WAITED: dict[str, Any] = {"hold": "behind", "hold_since": datetime(2026, 11, 21, tzinfo=UTC)}
"""A row that has waited is claimed step by step, one that has not, at once."""


async def a_number(database: Database, *, in_order: bool = True) -> tuple[Number, UUID]:
    number = await connected_number(database)
    if in_order:
        await change(database, IN_ORDER, id=number.integration_id)
    return number, await conversation(database, number)


async def left(database: Database, number: Number, talk: UUID, **columns: Any) -> UUID:
    """A file that Meta has accepted a second ago."""
    accepted_at = datetime.now(UTC) - timedelta(seconds=1)
    said: dict[str, Any] = {"type": "image", "state": "accepted", "delivery": "sent", "accepted_at": accepted_at}
    return await queued(database, number, talk, **(said | columns))


async def a_file(database: Database, number: Number) -> UUID:
    media_id = new_id()
    owner = {"organization_id": number.organization_id, "direction": "out", "kind": "image", "state": "stored"}
    async with database.transaction() as connection:
        await connection.execute(insert(media).values(id=media_id, **owner))
    return media_id


async def at_meta(database: Database, number: Number, media_id: UUID, *, lives: timedelta = timedelta(days=30)) -> None:
    now = datetime.now(UTC)
    values = {"media_id": media_id, "integration_id": number.integration_id, "meta_media_id": "4490709327384033"}
    values |= {"organization_id": number.organization_id, "uploaded_at": now, "expires_at": now + lives}
    async with database.transaction() as connection:
        await connection.execute(insert(media_uploads).values(values))


async def at_once(database: Database, message_id: UUID) -> Any:
    return await claim_at_once(
        database, message_id, pair_ahead=timedelta(minutes=4), pair_interval=timedelta(seconds=6)
    )


@pytest.mark.parametrize("kind", FILES)
@pytest.mark.parametrize("delivery", ["none", "sent"])
async def test_what_follows_a_file_waits_for_its_delivery(database: Database, kind: str, delivery: str) -> None:
    number, talk = await a_number(database)
    file = await left(database, number, talk, type=kind, delivery=delivery)
    states: list[dict[str, Any]] = [{}, WAITED]
    for columns in states:
        follows = await queued(database, number, talk, **columns)
        assert await at_once(database, follows) is None
        result = await claim(database, follows)
        assert isinstance(result, Unclaimed)
        assert (result.state, result.stop) == ("queued", True)
        held = await row(database, "messages", follows)
        assert (held.state, held.hold, held.attempt) == ("queued", "behind", 0)
        assert held.reason == "It waits until the file before it is delivered, 5 s at most."
        assert held.hold_until == (await row(database, "messages", file)).accepted_at + timedelta(seconds=5)
        await change(database, "DELETE FROM messages WHERE id = :id", id=follows)


@pytest.mark.parametrize(
    "columns",
    [
        {"delivery": "delivered"},
        {"delivery": "read"},
        {"state": "failed"},
        {"accepted_at": datetime.now(UTC) - timedelta(seconds=600)},
        {"type": "text"},
    ],
)
@pytest.mark.parametrize("waited", [{}, WAITED])
async def test_what_follows_goes_when_the_file_has_arrived_or_never_will_or_had_its_five_seconds(
    database: Database, columns: dict[str, Any], waited: dict[str, Any]
) -> None:
    number, talk = await a_number(database)
    await left(database, number, talk, **columns)
    follows = await queued(database, number, talk, **waited)
    assert isinstance(await claim(database, follows), Claimed)


async def test_nothing_waits_for_files_where_nobody_wants_it(database: Database) -> None:
    number, talk = await a_number(database, in_order=False)
    await left(database, number, talk)
    assert await at_once(database, await queued(database, number, talk)) is not None
    await change(database, "UPDATE messages SET state = 'accepted'")
    assert isinstance(await claim(database, await queued(database, number, talk, **WAITED)), Claimed)


async def test_a_file_in_another_conversation_delays_nobody(database: Database) -> None:
    number, talk = await a_number(database)
    await left(database, number, await conversation(database, number, wa_id="491700000009"))
    assert isinstance(await claim(database, await queued(database, number, talk)), Claimed)


async def test_a_template_with_a_file_of_ours_is_a_file_too(database: Database) -> None:
    number, talk = await a_number(database)
    await left(database, number, talk, type="template", media_id=await a_file(database, number))
    assert isinstance(await claim(database, await queued(database, number, talk)), Unclaimed)


async def test_a_look_comes_back_when_the_five_seconds_are_over(database: Database) -> None:
    number, talk = await a_number(database)
    await left(database, number, talk)
    follows, last = [await queued(database, number, talk) for _ in range(2)]
    await claim(database, follows)

    decided = await plan_of(database, talk)

    assert (decided.to_send, decided.pending) == ([], True)
    assert decided.next_in is not None
    assert timedelta(seconds=3) < decided.next_in <= timedelta(seconds=4)
    assert "delivered" in decided.next_why
    await change(database, "UPDATE messages SET hold_until = now() WHERE id = :id", id=follows)
    assert (await plan_of(database, talk)).to_send == [follows, last]


async def test_a_message_waits_for_its_file_and_is_claimed_with_what_meta_calls_it(database: Database) -> None:
    number, talk = await a_number(database, in_order=False)
    media_id = await a_file(database, number)
    held_before = {"hold": "media", "hold_since": datetime.now(UTC), "reason": "Meta does not take it yet."}
    states: list[dict[str, Any]] = [{}, held_before]
    for columns in states:
        message_id = await queued(database, number, talk, type="image", media_id=media_id, **columns)
        assert await at_once(database, message_id) is None
        result = await claim(database, message_id)
        assert isinstance(result, Unclaimed)
        held = await row(database, "messages", message_id)
        assert (held.state, held.hold, held.reason) == (
            "queued",
            "media",
            columns.get("reason", "Its file is on its way to Meta."),
        )
        await at_meta(database, number, media_id)
        claimed = await claim(database, message_id)
        assert isinstance(claimed, Claimed)
        assert claimed.meta_media_id == "4490709327384033"
        await change(database, "DELETE FROM media_uploads")
        await change(database, "UPDATE messages SET state = 'accepted', delivery = 'read'")


async def test_a_row_is_claimed_at_once_with_what_meta_calls_its_file(database: Database) -> None:
    number, talk = await a_number(database, in_order=False)
    media_id = await a_file(database, number)
    await at_meta(database, number, media_id)
    claimed = await at_once(database, await queued(database, number, talk, type="image", media_id=media_id))
    assert claimed is not None
    assert claimed["meta_media_id"] == "4490709327384033"


async def test_an_upload_that_expires_or_is_another_numbers_is_none(database: Database) -> None:
    number, talk = await a_number(database, in_order=False)
    media_id = await a_file(database, number)
    other = await connected_number(database, digits="15550002")
    await at_meta(database, other, media_id)
    await at_meta(database, number, media_id, lives=timedelta(seconds=30))
    message_id = await queued(database, number, talk, type="image", media_id=media_id)
    assert await at_once(database, message_id) is None
    assert isinstance(await claim(database, message_id), Unclaimed)


@pytest.mark.parametrize(("seconds", "passes"), [(100, False), (121, True)])
async def test_rows_behind_one_that_waits_for_its_file_wait_120_s_at_most(
    database: Database, seconds: int, *, passes: bool
) -> None:
    number, talk = await a_number(database, in_order=False)
    waits = await queued(database, number, talk, type="image", media_id=await a_file(database, number))
    follows = await queued(database, number, talk)
    await claim(database, waits)
    async with database.transaction() as connection:
        since = datetime.now(UTC) - timedelta(seconds=seconds)
        await connection.execute(update(messages).where(messages.c.id == waits).values(hold_since=since))

    plan = await plan_of(database, talk)

    assert plan.to_send == ([follows] if passes else [])
    assert plan.waiting_for == "its file to be at Meta"
    assert isinstance(await claim(database, follows), Claimed if passes else Unclaimed)
