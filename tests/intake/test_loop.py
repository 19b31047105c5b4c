import asyncio
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from intake import loop
from store import nudges, rates
from store.engine import Database
from store.errors import UnavailableError
from tests.intake.letters import ADA, BOB, Customer, Letters, arrive, envelope, outcomes
from tests.intake.running import Listening, running
from tests.rows import change, connected_number, conversation, rows
from tests.waiting import until

LATER = datetime(2100, 1, 1, tzinfo=UTC)
_PENDING = "SELECT id FROM webhook_events WHERE state = 'pending'"


def _chance(seed: int) -> random.Random:
    return random.Random(seed)  # noqa: S311 - the same in every run


async def _all_done(database: Database) -> bool:
    return not await rows(database, _PENDING)


async def _booked(database: Database, messages: int) -> bool:
    """Whether so many were taken of ten messages a second, from `LATER` on."""
    taken = "SELECT extract(epoch FROM next_at - CAST(:later AS timestamptz)) AS seconds FROM rate_slots"
    (slots,) = await rows(database, taken, later=LATER)
    return round(float(slots.seconds) * 10 * rates.PACE, 3) == messages


async def test_the_same_body_fifty_times_at_once_from_two_intakes_has_one_effect(database: Database) -> None:
    number = await connected_number(database)
    customers = [Customer(f"4917{n:08}", f"DE.{n}") for n in range(6)]
    said = [Letters(number, one).change(Letters(number, one).said()) for one in customers]
    bodies = [Letters(number).body(*_chance(seed).sample(said, len(said))) for seed in range(50)]
    starters = Listening(), Listening()
    await change(database, "UPDATE rate_slots SET next_at = :later, per_second = 10", later=LATER)
    async with running(database, *starters, intake_batch=3):
        await asyncio.gather(*(arrive(database, body) for body in bodies))
        await until(lambda: _all_done(database), seconds=30)
        await until(lambda: _booked(database, 6), seconds=30)
    assert await outcomes(database) == {"applied": 6, "duplicate": 294}
    assert len(await rows(database, "SELECT * FROM messages")) == 6
    assert len(await rows(database, "SELECT * FROM contacts")) == 6
    assert await _booked(database, 6), "of the number's messages per second no more are gone"
    assert await rows(database, "SELECT * FROM error_reports") == []


async def test_statuses_and_messages_of_many_conversations_from_two_intakes_never_park(database: Database) -> None:
    number = await connected_number(database)
    letters = [Letters(number, Customer(f"4917{n:08}", f"DE.{n}")) for n in range(12)]
    chance = _chance(11)
    bodies = []
    for n in range(120):
        some = chance.sample(letters, 5)
        told = [one.status(f"wamid.{n % 7}.{one.customer.wa_id}", "read") for one in chance.sample(letters, 4)]
        bodies.append(letters[0].body(*(one.change(one.said()) for one in some), letters[0].change(statuses=told)))
    async with running(database, Listening(), Listening(), Listening(), intake_batch=5):
        await arrive(database, *bodies)
        await until(lambda: _all_done(database), seconds=30)
    assert (await outcomes(database)).keys() <= {"applied", "duplicate"}
    assert len(await rows(database, "SELECT * FROM messages")) == 600
    assert len(await rows(database, "SELECT * FROM conversations")) == 12


async def test_a_stored_body_wakes_its_conversation_at_once(database: Database) -> None:
    letters, starter = Letters(await connected_number(database)), Listening()
    async with running(database, starter):
        await asyncio.sleep(0.3)
        began = asyncio.get_running_loop().time()
        await arrive(database, letters.message())
        await until(lambda: starter.looked)
        assert asyncio.get_running_loop().time() - began < 0.5
    (marked,) = await rows(database, "SELECT id, nudged_at FROM conversations")
    assert starter.looked == {str(marked.id): 1}
    assert marked.nudged_at is not None


async def test_a_mark_made_elsewhere_is_signalled_at_once(database: Database) -> None:
    conversation_id, starter = await conversation(database, await connected_number(database)), Listening()
    async with running(database, starter):
        await asyncio.sleep(0.3)
        began = asyncio.get_running_loop().time()
        async with database.transaction() as connection:
            await nudges.mark_due(connection, [conversation_id])
        await until(lambda: starter.looked)
        assert asyncio.get_running_loop().time() - began < 0.5


async def test_a_mark_whose_conversation_was_locked_when_it_was_claimed_is_signalled_soon_after(
    database: Database,
) -> None:
    conversation_id, starter = await conversation(database, await connected_number(database)), Listening()
    await change(database, "UPDATE conversations SET due_at = clock_timestamp() + interval '0.5 s'")
    async with running(database, starter):
        await asyncio.sleep(0.3)
        async with database.transaction() as connection:
            await connection.exec_driver_sql("NOTIFY due")
        async with database.transaction() as connection:
            await nudges.lock(connection, [conversation_id])
            async with database.transaction() as other:
                await other.exec_driver_sql("SELECT pg_sleep(0.25)")
                await other.exec_driver_sql("NOTIFY due")
            await asyncio.sleep(0.03)
        began = asyncio.get_running_loop().time()
        await until(lambda: starter.looked)
        assert asyncio.get_running_loop().time() - began < 0.3


async def test_intake_goes_on_without_its_listener_and_finds_it_again(database: Database) -> None:
    letters, starter = Letters(await connected_number(database)), Listening()
    async with running(database, starter):
        await asyncio.sleep(0.3)
        await rows(
            database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
            "WHERE application_name = 'holdfast-listen' AND datname = current_database()",
        )
        await arrive(database, letters.message())
        await until(lambda: starter.looked, seconds=3)
        await asyncio.sleep(1.2)
        listening = await rows(
            database,
            "SELECT 1 FROM pg_stat_activity "
            "WHERE application_name = 'holdfast-listen' AND datname = current_database()",
        )
        assert len(listening) == 1


async def test_every_connection_cut_at_once_loses_nothing(database: Database) -> None:
    number, starter = await connected_number(database), Listening()
    async with running(database, starter, intake_batch=5):
        for n in range(30):
            await _arrive_as_meta_repeats_it(database, Letters(number, Customer(f"4917{n:08}", f"DE.{n}")).message())
            if n % 10 == 5:
                await rows(
                    database,
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE datname = current_database() AND pid <> pg_backend_pid()",
                )
        await until(lambda: _all_done(database))
        await until(lambda: len(starter.looked) == 30)
    assert (await outcomes(database))["applied"] == 30


async def _arrive_as_meta_repeats_it(database: Database, body: bytes) -> None:
    for _ in range(20):
        try:
            await arrive(database, body)
        except UnavailableError:
            await asyncio.sleep(0.02)
        else:
            return
    raise AssertionError("it could not be stored at all")


async def test_while_temporal_is_away_messages_are_applied_and_all_are_signalled_when_it_is_back(
    database: Database,
) -> None:
    number, starter = await connected_number(database), Listening(away=True)
    async with running(database, starter):
        customers = [Customer(f"4917{n:08}", f"DE.{n}") for n in range(100)]
        await arrive(database, *(Letters(number, customer).message() for customer in customers))
        await until(lambda: _all_done(database))
        await asyncio.sleep(3)
        assert starter.refused < 1500, "it must not hammer"
        starter.away = False
        await until(lambda: len(starter.looked) == 100, seconds=5)


async def test_what_is_due_at_a_stop_is_signalled_by_the_next_intake(database: Database) -> None:
    letters, away, back = Letters(await connected_number(database)), Listening(away=True), Listening()
    async with running(database, away):
        await arrive(database, letters.message())
        await until(lambda: away.refused)
    async with running(database, back):
        await until(lambda: back.looked, seconds=3)


async def test_a_quarantined_message_is_answered_soon_after_its_number_is_connected(
    database: Database, monkeypatch: Any
) -> None:
    monkeypatch.setattr(loop, "_QUARANTINE_EVERY", timedelta(seconds=0))
    monkeypatch.setattr(loop, "_CHORES_EVERY", timedelta(seconds=0.2))
    mine = await connected_number(database)
    theirs = replace(mine, waba_id="7715552", phone_number_id="9915552")
    starter = Listening()
    async with running(database, starter):
        await arrive(database, Letters(theirs).message())
        await until(lambda: _all_done(database))
        await connected_number(database, digits="15552")
        await until(lambda: starter.looked, seconds=5)


async def test_five_hundred_mutated_bodies_end_and_none_raises_what_is_not_foreseen(database: Database) -> None:
    number, chance = await connected_number(database), _chance(20261121)
    letters = Letters(number)
    whole = [
        envelope({"id": number.waba_id, "changes": [letters.change(letters.said(), Letters(number, BOB).said())]}),
        letters.echo(),
        letters.statuses(letters.status("w", "failed", code=131026), letters.status("w", "sent")),
    ]
    async with running(database, Listening()):
        await arrive(database, *(_mutated(chance.choice(whole), chance) for _ in range(500)), letters.message("last"))
        await until(lambda: _all_done(database), seconds=60)
    counted = await outcomes(database)
    assert sum(counted.values()) >= 500
    (last,) = await rows(database, "SELECT * FROM messages WHERE content #>> '{text,body}' = 'last'")
    assert last.state == "received"
    assert await rows(database, "SELECT * FROM error_reports") == []
    assert await rows(database, "SELECT * FROM webhook_items WHERE reason = ''") == []


def _mutated(body: bytes, chance: random.Random) -> bytes:
    """Bytes flipped, cut out, doubled, or replaced by what JSON, Postgres or a clock may choke on."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(changed))
        match chance.randrange(6):
            case 0:
                changed[at] = chance.randrange(256)
            case 1:
                del changed[at : at + chance.randint(1, 30)]
            case 2:
                changed[at:at] = changed[at : at + chance.randint(1, 30)]
            case 3:
                changed[at:at] = chance.choice(
                    (b"\\u0000", b"\\ud83d", b"99999999999999999999", b"null", b"\xff", b"[]")
                )
            case 4:
                changed = changed.replace(b'"text"', chance.choice((b"null", b"[1]", b'"\\u0000"', b'"audio"')), 1)
            case _:
                changed = changed.replace(
                    ADA.wa_id.encode() if ADA.wa_id else b"", str(chance.random() * 1e30).encode(), 1
                )
        if not changed:
            return b""
    return bytes(changed)
