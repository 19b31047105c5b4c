"""What holds or stops a number: nothing fails, the owner is told once, and what waited leaves in order after it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store import checks, due_runs, integrations
from store.engine import Database
from tests.activities.checked import AwayError
from tests.activities.sending import SendHouse, send_house
from tests.intake.letters import Customer, Letters, take_in
from tests.logs import logged
from tests.rows import RING, change, connected_number, conversation, row
from tests.simulator.stage import APP_SECRET
from whatsapp.app_secrets import AppSecrets

STALE: dict[str, Any] = {"author": "bot", "send_before": datetime.now(UTC) + timedelta(hours=1)}
"""A bot's answer, to be made stale."""
_MAKE_STALE = "UPDATE messages SET send_before = now() WHERE author = 'bot'"


async def _new_token(house: SendHouse) -> None:
    token = await house.checks.meta.client.issue_token(house.number.waba_id)
    await integrations.replace_token(
        house.database,
        RING,
        organization_id=house.number.organization_id,
        integration_id=house.number.integration_id,
        access_token=token,
    )


async def test_a_dead_token_holds_all_in_order_until_a_new_one_and_what_went_stale_expires(database: Database) -> None:
    async with send_house(database) as house:
        ada = await conversation(database, house.number)
        bob = await conversation(database, house.number, wa_id="491700000002")
        first = await house.queue(ada, "one", "two")
        (stale,) = await house.queue(ada, "the bot's", **STALE)
        last = await house.queue(ada, "three")
        bobs = await house.queue(bob, "to Bob")
        await house.checks.meta.client.change_tokens(phone_number_id=house.number.phone_number_id, revoked=460)

        await house.work()
        assert await house.waiting() == {"token": 5}, "none has failed, and each says what it waits for"
        assert await house.refused() == {"190": 1}, "Meta was asked once"
        letters = Letters(house.number, Customer())
        await take_in(database, letters.message("are you there?"))
        await house.work()
        (inbound,) = await house.checks.rows("SELECT state FROM messages WHERE direction = 'in'")
        assert inbound.state == "in_turn", "what comes in is taken up all the same, its answer waits too"
        told = await house.checks.told()
        assert [event.type for event in told] == ["integration.held"]
        assert told[0].data["reason"] == "The password changed, which ended the access token."
        assert "Reconnect" in told[0].data["next_step"]

        await change(database, _MAKE_STALE + " AND id = :id", id=stale)
        await _new_token(house)
        await house.work()
        accepted = await house.accepted()
        assert [message for message in accepted if message not in bobs][:3] == [*first, *last]
        assert set(bobs) < set(accepted)
        assert (await row(database, "messages", stale)).state == "expired"
        assert await house.waiting() == {}
        told = [event.type for event in await house.checks.told()]
        assert told == ["integration.held", "integration.live", "conversation.handed_over"]


async def test_a_number_that_lost_its_token_is_checked_at_once_whatever_is_away(database: Database) -> None:
    async with send_house(database) as house:
        await house.queue(await conversation(database, house.number), "one")
        await house.checks.meta.client.change_tokens(phone_number_id=house.number.phone_number_id, revoked=463)
        await house.work()

        (due,) = await due_runs.claim_due(database, limit=8, quiet=timedelta(seconds=2), repeat=timedelta(seconds=10))
        assert (due.kind, due.id) == ("check", house.number.integration_id)
        assert (await house.checks.check()).found == ["token_invalid"]
        assert await house.check_due_at() is None, "the check has answered the mark"
        assert [event.type for event in await house.checks.told()] == ["integration.held", "finding.opened"]


async def test_a_mark_that_was_set_during_a_check_asks_for_another_one(database: Database) -> None:
    async with send_house(database) as house:
        number = await checks.read_number(database, house.number.integration_id)
        assert number is not None
        await change(database, "UPDATE integrations SET check_due_at = clock_timestamp()")
        await checks.record(database, number, checks.Findings())
        assert await house.check_due_at() is not None


@pytest.mark.parametrize(
    ("taken_away", "reason"),
    [
        ({"knobs": {"removed": True}}, "taken from the access token"),
        ({"scopes": ["whatsapp_business_messaging"]}, "removed or never given"),
        ({"code": 3}, "lost a permission"),
        ({"code": 200}, "lost a permission"),
        ({"code": 131005}, "Access denied"),
    ],
    ids=["100/33", "10", "3", "200", "131005"],
)
async def test_a_lost_permission_holds_the_number_and_starts_a_check(
    database: Database, taken_away: dict[str, Any], reason: str
) -> None:
    async with send_house(database) as house:
        (message,) = await house.queue(await conversation(database, house.number), "one")
        meta, phone_number_id = house.checks.meta.client, house.number.phone_number_id
        if "knobs" in taken_away:
            await meta.change_number(phone_number_id, **taken_away["knobs"])
        elif "scopes" in taken_away:
            await meta.change_tokens(phone_number_id=phone_number_id, remove_scopes=taken_away["scopes"])
        else:
            await meta.add_fault("refuse", code=taken_away["code"], count=1)
        await house.work()
        held = await row(database, "messages", message)
        assert (held.state, held.hold) == ("queued", "permission")
        integration = await house.checks.integration()
        assert (integration.state, integration.state_reason) == ("held", "permission")
        assert integration.check_due_at is not None
        (told,) = await house.checks.told()
        assert (told.type, reason in told.data["reason"]) == ("integration.held", True)


@pytest.mark.parametrize(
    ("code", "words", "what_to_do"),
    [
        (133010, "not registered", "Connect the number again"),
        (131042, "payment", "payment method"),
        (368, "policy", "appeal"),
        (131031, "locked or restricted", "appeal"),
    ],
)
async def test_what_stops_a_number_tells_its_owner_what_to_do_and_ends_with_a_check(
    database: Database, code: int, words: str, what_to_do: str
) -> None:
    async with send_house(database) as house:
        messages = await house.queue(await conversation(database, house.number), "one", "two", "three")
        (stale,) = await house.queue(await conversation(database, house.number, wa_id="4917002"), "old", **STALE)
        await house.checks.meta.client.add_fault("refuse", code=code)
        await house.work()
        assert (await house.checks.integration()).state == "stopped"
        assert await house.waiting() == {"stopped": 4}
        assert await house.check_due_at() is None, "its next check comes within 15 minutes, by its Schedule"
        stopped, found = (await house.checks.told())[:2]
        assert (stopped.type, found.type, found.data["code"]) == (
            "integration.stopped", "finding.opened", "sending_refused",
        )  # fmt: skip
        for told in (stopped.data["reason"], found.data["says"]):
            assert words in told
        for told in (stopped.data["next_step"], found.data["next_step"]):
            assert what_to_do in told
        (finding,) = await house.checks.findings("sending_refused", open_only=True)
        assert finding.meta_detail.startswith(f"{code}: ")

        await house.checks.meta.client.end_faults()
        await change(database, _MAKE_STALE)
        assert (await house.checks.check()).state == "live"
        await house.work()
        assert await house.accepted() == messages, "in the order they were queued"
        assert (await row(database, "messages", stale)).state == "expired"
        assert await house.checks.findings("sending_refused", open_only=True) == []


async def test_a_stopped_number_that_stays_stopped_is_told_of_once(database: Database) -> None:
    async with send_house(database) as house:
        await house.queue(await conversation(database, house.number), "one")
        await house.checks.meta.client.set_number(house.number.phone_number_id, registered=False)
        await house.work()
        for customer in ("4917003", "4917004"):
            await house.queue(await conversation(database, house.number, wa_id=customer), "again")
            await house.checks.check()
            await house.work()
        assert await house.refused() == {"133010": 1}, "nothing is posted for a stopped number"
        assert [event.type for event in await house.checks.told("integration.stopped")] == ["integration.stopped"]
        assert house.checks.interval == timedelta(minutes=15)


async def test_a_switched_off_number_keeps_the_order_under_a_reason_of_its_own(database: Database) -> None:
    async with send_house(database) as house:
        owner = {"organization_id": house.number.organization_id, "integration_id": house.number.integration_id}
        conversation_id = await conversation(database, house.number)
        await integrations.set_enabled(database, enabled=False, **owner)
        messages = await house.queue(conversation_id, "one", "two")
        (stale,) = await house.queue(conversation_id, "the bot's", **STALE)
        messages += await house.queue(conversation_id, "three")
        assert (await house.posts.send(messages[0])).stop
        assert "switched off" in (await row(database, "messages", messages[0])).reason
        assert await house.waiting() == {"disabled": 4}
        assert await house.accepted() == []

        await change(database, _MAKE_STALE)
        await integrations.set_enabled(database, enabled=True, **owner)
        await house.work()
        assert await house.accepted() == messages
        assert (await row(database, "messages", stale)).state == "expired"
        told = [event.type for event in await house.checks.told()]
        assert told == ["conversation.handed_over"], "a person is asked for what went stale; the switch its owner knows"


async def test_a_number_that_a_check_released_and_meta_refuses_again_waits_for_its_next_check(
    database: Database,
) -> None:
    async with send_house(database) as house:
        await house.queue(await conversation(database, house.number), "one")
        await house.checks.meta.client.add_fault("refuse", code=131005)
        await house.work()
        assert (await house.checks.check()).state == "live", "Meta's own facts say that all is well"
        await house.work()
        integration = await house.checks.integration()
        assert integration.state == "held"
        assert integration.check_due_at - integration.released_at == timedelta(minutes=15)


async def test_a_proof_that_meta_refuses_is_made_again_with_the_other_secret_which_is_remembered(
    database: Database,
) -> None:
    async with send_house(database) as house:
        told: list[tuple[str, bool]] = []
        rotated = AppSecrets(
            [("META_APP_SECRET", "not yet in force"), ("META_APP_SECRET_PREVIOUS", APP_SECRET)],
            tell=lambda name, another: told.append((name, another)),
        )
        messages = await house.queue(await conversation(database, house.number), "one", "two")
        await house.work(house.office(rotated))
        assert await house.accepted() == messages
        assert await house.refused() == {"100": 1}, "the one that works is used from then on"
        assert told == [("META_APP_SECRET", True)]
        assert (await house.checks.integration()).state == "live"
        assert [attempt.state for attempt in await house.checks.rows("SELECT state FROM message_attempts")] == [
            "accepted", "accepted",
        ]  # fmt: skip


async def test_an_app_whose_proof_meta_refuses_holds_every_number_until_its_next_start(
    database: Database,
) -> None:
    async with send_house(database) as house:
        other = await connected_number(database, digits="15550002")
        messages = await house.queue(await conversation(database, house.number), "one", "two")
        refused: list[tuple[str, bool]] = []
        reset = AppSecrets(
            [("META_APP_SECRET", "old"), ("META_APP_SECRET_PREVIOUS", "older")],
            tell=lambda name, another: refused.append((name, another)),
        )
        with logged() as log:
            await house.work(house.office(reset))
        assert refused == [("META_APP_SECRET", False)]
        lines = [json.loads(line) for line in log.getvalue().splitlines()]
        assert [line["numbers"] for line in lines if line["event"] == "app.held"] == [2]
        for number in (house.number, other):
            held = await row(database, "integrations", number.integration_id)
            assert (held.state, held.state_reason) == ("held", "app")
        assert await house.waiting() == {"app": 2}
        assert {event.type for event in await house.checks.told()} == {"integration.held"}
        (waiting,) = await house.queue(await conversation(database, other), "theirs", sender=other)
        assert (await house.posts.send(waiting)).stop
        assert (await row(database, "messages", waiting)).hold == "app"

        await _new_token(house)
        assert (await house.checks.integration()).state == "held", "no token helps against that"
        await change(database, "UPDATE integrations SET check_due_at = NULL")
        assert await checks.ask_where_the_app_is_held(database) == 2
        assert await house.check_due_at() is not None
        assert (await house.checks.check()).state == "live"
        await house.work()
        assert await house.accepted() == messages


async def test_a_check_whose_next_one_temporal_does_not_take_has_released_all_the_same(database: Database) -> None:
    async with send_house(database) as house:
        messages = await house.queue(await conversation(database, house.number), "one")
        await house.checks.hold("held", "token")
        house.checks.schedules.away = True
        with pytest.raises(Exception, match="Schedule") as away:
            await house.checks.check()
        assert not isinstance(away.value, AwayError)
        await house.work()
        assert await house.accepted() == messages
