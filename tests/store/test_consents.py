"""Consent to marketing: of all that was told the latest counts, in whatever order it becomes known."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any
from uuid import UUID

import pytest
from alembic import command
from sqlalchemy import text

from store import consents, contacts, migrate, nudges
from store.audit import By
from store.claims import Claimed, Unclaimed, claim
from store.contact_consents import read_consent, set_consent
from store.contacts import Party
from store.engine import Database
from store.errors import InvalidRequestError, NotFoundError, OptedOutError
from store.ids import new_id
from tests.intake.letters import ADA, Letters, ago, take_in
from tests.intake.people import ADA_NOW, changed, two_halves
from tests.rows import Number, change, connected_number, conversation, queued, row, rows
from whatsapp.events import Sender

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
_HISTORY = text("SELECT * FROM consents ORDER BY told_at, choice")


async def _contact(database: Database) -> tuple[Number, UUID, UUID]:
    number = await connected_number(database)
    conversation_id = await conversation(database, number)
    return number, conversation_id, (await row(database, "conversations", conversation_id)).contact_id


async def _told(database: Database, number: Number, contact_id: UUID, *told: tuple[Any, int]) -> None:
    """Each choice so many hours after noon."""
    async with database.transaction() as connection:
        for choice, hours in told:
            await consents.record(
                connection,
                organization_id=number.organization_id,
                contact_id=contact_id,
                choice=choice,
                source="preference",
                told_at=NOON + timedelta(hours=hours),
            )


async def _counts(database: Database, contact_id: UUID) -> tuple[int | None, int | None]:
    """Since how many hours after noon it is stopped, and asked for."""
    contact = await row(database, "contacts", contact_id)
    columns = (contact.marketing_stopped_at, contact.marketing_opted_in_at)
    return tuple(None if at is None else round((at - NOON) / timedelta(hours=1)) for at in columns)  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("told", "stopped_at", "opted_in_at"),
    [
        ([("stop", 1)], 1, None),
        ([("resume", 1)], None, None),
        ([("opt_in", 1)], None, 1),
        ([("stop", 1), ("stop", 3)], 1, None),
        ([("stop", 1), ("resume", 2)], None, None),
        ([("stop", 1), ("resume", 2), ("stop", 3)], 3, None),
        ([("opt_in", 1), ("stop", 2)], 2, None),
        ([("opt_in", 1), ("stop", 2), ("resume", 3)], None, None),
        ([("stop", 1), ("opt_in", 2)], None, 2),
        ([("opt_in", 1), ("resume", 2), ("opt_in", 3)], None, 1),
        ([("stop", 2), ("resume", 2)], 2, None),
        ([("stop", 2), ("opt_in", 2), ("stop", 1)], 2, None),
        ([("stop", 1), ("resume", 2), ("stop", 2), ("opt_in", 2)], 2, None),
    ],
)
async def test_what_counts_is_the_same_in_whatever_order_it_becomes_known(
    database: Database, told: Sequence[tuple[str, int]], stopped_at: int | None, opted_in_at: int | None
) -> None:
    number, _, contact_id = await _contact(database)
    for order in permutations(told):
        await change(database, "DELETE FROM consents")
        await _told(database, number, contact_id, *order)
        assert await _counts(database, contact_id) == (stopped_at, opted_in_at), order


async def test_what_is_told_twice_is_kept_once(database: Database) -> None:
    number, _, contact_id = await _contact(database)
    await asyncio.gather(*(_told(database, number, contact_id, ("stop", 1), ("resume", 2)) for _ in range(5)))
    async with database.transaction() as connection:
        history = list(await connection.execute(_HISTORY))
    assert [told.choice for told in history] == ["stop", "resume"]


async def test_another_organization_tells_nothing(database: Database) -> None:
    _, _, contact_id = await _contact(database)
    other = await connected_number(database, digits="15550002")
    await _told(database, other, contact_id, ("stop", 1))
    assert await _counts(database, contact_id) == (None, None)


async def test_marketing_is_refused_with_since_when_and_by_what_and_nothing_else_is(database: Database) -> None:
    number, conversation_id, contact_id = await _contact(database)
    await _told(database, number, contact_id, ("stop", 1))
    words = "The contact has stopped marketing messages: since 2026-11-21 13:00 UTC, by their choice in WhatsApp."
    for category, state in (("marketing", "failed"), ("utility", "sending"), ("authentication", "sending")):
        message_id = await queued(database, number, conversation_id, type="template", category=category)
        result = await claim(database, message_id)
        message = await row(database, "messages", message_id)
        assert message.state == state, category
        assert isinstance(result, Unclaimed if state == "failed" else Claimed)
        assert message.reason == (words if state == "failed" else None)
        await change(database, "UPDATE messages SET state = 'accepted' WHERE state = 'sending'")
    async with database.transaction() as connection:
        with pytest.raises(OptedOutError, match="since 2026-11-21 13:00 UTC, by their choice in WhatsApp"):
            await consents.refuse_marketing(connection, conversation_id)
    await _told(database, number, contact_id, ("resume", 2))
    message_id = await queued(database, number, conversation_id, type="template", category="marketing")
    assert isinstance(await claim(database, message_id), Claimed)


async def test_a_stop_that_is_committed_while_the_claim_waits_for_its_lock_counts(database: Database) -> None:
    number, conversation_id, contact_id = await _contact(database)
    message_id = await queued(database, number, conversation_id, type="template", category="marketing")
    async with database.transaction() as stopping:
        await nudges.lock(stopping, [conversation_id])
        claiming = asyncio.create_task(claim(database, message_id))
        await asyncio.sleep(0.3)
        assert not claiming.done()
        await consents.record(
            stopping,
            organization_id=number.organization_id,
            contact_id=contact_id,
            choice="stop",
            source="stop_word",
            told_at=NOON,
        )
    result = await claiming
    assert isinstance(result, Unclaimed)
    assert (await row(database, "messages", message_id)).state == "failed"


async def test_the_business_tells_and_reads_it_in_words_and_it_is_audited(database: Database) -> None:
    number, _, contact_id = await _contact(database)
    about: Any = {"organization_id": number.organization_id, "contact": contact_id}
    before = await read_consent(database, **about)
    assert (before.marketing, before.since, before.history) == ("neither", None, [])

    key = By("key", new_id())
    asked = await set_consent(database, **about, choice="opt_in", told_at=NOON, note="at checkout", by=key)
    assert (asked.marketing, asked.since) == ("opted_in", NOON)
    assert asked.says == "They have asked for marketing messages, as the business's software told."
    stopped = await set_consent(database, **about, choice="stop", by=By("person", new_id()))
    assert stopped.marketing == "stopped"
    assert stopped.says.endswith("as a person of the business noted.")
    late = await set_consent(database, **about, choice="opt_in", told_at=NOON - timedelta(days=1), note="older", by=key)
    assert late.marketing == "stopped", "older news change nothing"
    assert [(told.choice, told.source, told.note) for told in late.history] == [
        ("stop", "person", None),
        ("opt_in", "api", "at checkout"),
        ("opt_in", "api", "older"),
    ]
    async with database.transaction() as connection:
        noted = list(await connection.execute(text("SELECT * FROM audit_log ORDER BY at")))
    assert [(one.action, one.subject_id, one.actor) for one in noted] == [
        ("contact.consent_told", contact_id, "key"),
        ("contact.consent_told", contact_id, "person"),
        ("contact.consent_told", contact_id, "key"),
    ]
    await set_consent(database, **about, choice="opt_in", told_at=NOON, note="again", by=key)
    assert len((await read_consent(database, **about)).history) == 3


async def test_what_counts_is_read_also_where_what_told_of_it_is_too_long_ago_to_be_shown(database: Database) -> None:
    number, _, contact_id = await _contact(database)
    await _told(database, number, contact_id, ("opt_in", 0))
    many = """
        INSERT INTO consents (id, organization_id, contact_id, choice, source, told_at)
        SELECT gen_random_uuid(), :organization, :contact, 'resume', 'api',
               CAST(:noon AS timestamptz) + n * interval '1 second'
        FROM generate_series(1, 200) AS n
    """
    await change(database, many, organization=number.organization_id, contact=contact_id, noon=NOON)
    read = await read_consent(database, number.organization_id, contact_id)
    assert (read.marketing, read.since) == ("opted_in", NOON)


async def test_nothing_is_told_from_the_future_or_by_strangers(database: Database) -> None:
    number, _, contact_id = await _contact(database)
    other = await connected_number(database, digits="15550002")
    about: Any = {"contact": contact_id, "choice": "stop", "by": By("key", new_id())}
    with pytest.raises(InvalidRequestError, match="future"):
        await set_consent(
            database,
            organization_id=number.organization_id,
            told_at=datetime.now(UTC) + timedelta(minutes=2),
            **about,
        )
    with pytest.raises(NotFoundError):
        await set_consent(database, organization_id=other.organization_id, **about)
    with pytest.raises(NotFoundError):
        await read_consent(database, other.organization_id, contact_id)
    assert await _counts(database, contact_id) == (None, None)


async def test_the_id_of_a_contact_that_was_merged_names_the_person_still(database: Database) -> None:
    number, _, contact_id = await _contact(database)
    gone = [new_id(), new_id()]
    for gone_id, into in ((gone[0], contact_id), (gone[1], gone[0])):
        await change(
            database,
            "INSERT INTO contacts (id, organization_id, merged_into) VALUES (:id, :organization, :into)",
            id=gone_id,
            organization=number.organization_id,
            into=into,
        )
    told = await set_consent(
        database,
        organization_id=number.organization_id,
        contact=gone[1],
        choice="stop",
        by=By("key", new_id()),
    )
    assert told.contact_id == contact_id
    assert (await row(database, "contacts", contact_id)).marketing_stopped_at is not None


async def test_what_is_told_of_a_contact_while_it_is_merged_away_counts_for_the_one_that_stays(
    database: Database,
) -> None:
    number = await connected_number(database)
    older, younger = [
        (await row(database, "conversations", it)).contact_id for it in await two_halves(database, number)
    ]
    both = Sender(ADA.wa_id, ADA.user_id, profile_name=None, username=None)
    about: Any = {"organization_id": number.organization_id, "by": By("key", new_id())}
    async with database.transaction() as merging:
        now = datetime.now(UTC)
        await contacts.conversations_of(merging, [Party(number.organization_id, number.integration_id, both, now)])
        telling = asyncio.create_task(set_consent(database, **about, contact=younger, choice="stop"))
        await asyncio.sleep(0.3)
        assert not telling.done()
    assert (await telling).contact_id == older
    assert (await row(database, "contacts", older)).marketing_stopped_at is not None


async def test_a_number_stands_for_its_contact_until_they_left_it_and_for_nobody_after_that(database: Database) -> None:
    number = await connected_number(database)
    letters, left = Letters(number, ADA), ago(seconds=30)
    await take_in(database, letters.message("hello", at=ago(seconds=60)))
    await take_in(database, changed(letters, ADA_NOW, at=left))
    about: Any = {
        "organization_id": number.organization_id,
        "contact": Sender(ADA.wa_id, None, profile_name=None, username=None),
        "by": By("key", new_id()),
    }
    with pytest.raises(InvalidRequestError, match="changed to another"):
        await set_consent(database, **about, choice="opt_in", note="of the new owner", told_at=ago(seconds=5))
    told = await set_consent(database, **about, choice="stop", told_at=ago(seconds=45))
    (contact,) = await rows(database, "SELECT id FROM contacts")
    assert (told.contact_id, told.marketing, len(told.history)) == (contact.id, "stopped", 1)


async def test_what_was_told_before_there_was_a_history_begins_it(database_url: str) -> None:
    database = Database.connect(database_url)
    number, _, contact_id = await _contact(database)
    other = await conversation(database, number, wa_id="491700000002")
    other_id = (await row(database, "conversations", other)).contact_id
    await migrate._under_lock(database_url, lambda config: command.downgrade(config, "0003"))
    await database.engine.dispose()
    for contact, stopped, told in ((contact_id, 1, 3), (other_id, None, 2)):
        await change(
            database,
            "UPDATE contacts SET marketing_stopped_at = :stopped, marketing_told_at = :told, "
            "marketing_source = 'status' WHERE id = :id",
            id=contact,
            stopped=None if stopped is None else NOON + timedelta(hours=stopped),
            told=NOON + timedelta(hours=told),
        )
    await database.engine.dispose()
    await migrate.upgrade(database_url)

    await _told(database, number, contact_id, ("resume", 2))
    assert await _counts(database, contact_id) == (3, None), "a stop was told after it"
    await _told(database, number, other_id, ("stop", 1))
    assert await _counts(database, other_id) == (None, None)
    await database.close()
