"""Meta's errors that come as webhooks: as `failed` statuses, and over a whole value."""

from typing import Any

import pytest

from store.engine import Database
from tests.intake.letters import Letters, ago, envelope, outcomes, take_in
from tests.intake.posts import Sent, sent_from
from tests.rows import change, connected_number, conversation, queued, row, rows


async def _failed(sent: Sent, wamid: str, code: int, **error: Any) -> None:
    status = sent.letters.status(wamid, "failed")
    status["errors"] = [{"code": code, "title": "refused", **error}]
    await sent.told(status)


def _value_error(letters: Letters, code: int, **error: Any) -> bytes:
    change = letters.change()
    change["value"]["errors"] = [{"code": code, "title": "Something is wrong", **error}]
    return letters.body(change)


@pytest.mark.parametrize("data", [{"details": "in an object"}, "in a text"])
async def test_metas_details_are_kept_as_an_object_or_a_text(database: Database, data: Any) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1")
    await _failed(sent, "w1", 131026, error_data=data)
    words = data if isinstance(data, str) else data["details"]
    assert (await row(database, "messages", message)).error_detail == f"refused: {words}"


@pytest.mark.parametrize(
    "error", [{"error_subcode": 33}, {"error_data": "cannot be loaded due to missing permissions"}]
)
async def test_a_failed_status_is_judged_by_subcode_and_words_too(database: Database, error: Any) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1")
    await _failed(sent, "w1", 100, **error)
    assert (await row(database, "messages", message)).hold == "permission"


async def test_a_failed_status_slows_the_number(database: Database) -> None:
    sent = await sent_from(database)
    await sent.message("accepted", wamid="w1")
    await _failed(sent, "w1", 130429)
    (slots,) = await rows(database, "SELECT next_at > clock_timestamp() + interval '0.5 s' AS silent FROM rate_slots")
    assert slots.silent


async def test_a_failed_status_holds_up_the_pair_until_its_time(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1")
    await _failed(sent, "w1", 131056)
    held = await row(database, "messages", message)
    assert (held.state, held.hold) == ("queued", "pair")
    (pair,) = await rows(
        database, "SELECT pair_next_at > clock_timestamp() + interval '4 min' AS full FROM conversations"
    )
    assert pair.full, "one at its time, then one per 6 s"


@pytest.mark.parametrize(("written", "is_open"), [(-60, False), (-10, True)])
async def test_a_late_failure_closes_only_a_window_that_was_open_when_its_message_left(
    database: Database,
    written: float,
    is_open: bool,  # noqa: FBT001 - a row
) -> None:
    sent = await sent_from(database)  # its messages left 30 s ago
    await sent.message("accepted", wamid="w1")
    await change(database, "UPDATE conversations SET window_opened_at = :at", at=ago(seconds=-written))
    await _failed(sent, "w1", 131047)
    (talk,) = await rows(database, "SELECT window_opened_at IS NOT NULL AS is_open FROM conversations")
    assert talk.is_open is is_open


async def test_an_opt_out_that_a_status_tells_is_kept_once(database: Database) -> None:
    sent = await sent_from(database)
    await sent.message("accepted", wamid="w1")
    await _failed(sent, "w1", 131050)
    (contact,) = await rows(database, "SELECT marketing_stopped_at, marketing_source FROM contacts")
    assert (contact.marketing_stopped_at is not None, contact.marketing_source) == (True, "status")


async def test_metas_own_trouble_is_tried_a_few_times_and_then_told(database: Database) -> None:
    sent = await sent_from(database)
    message = await sent.message("accepted", wamid="w1")
    for attempt in range(1, 6):
        await change(
            database,
            "UPDATE messages SET state = 'accepted', hold = NULL, attempt = :n, wamid = :wamid, error_code = NULL",
            n=attempt,
            wamid=f"w{attempt}",
        )
        await change(
            database,
            "INSERT INTO message_attempts (message_id, attempt, organization_id, state, claimed_at, wamid) "
            "SELECT id, :n, organization_id, 'accepted', now(), :wamid FROM messages ON CONFLICT DO NOTHING",
            n=attempt,
            wamid=f"w{attempt}",
        )
        await _failed(sent, f"w{attempt}", 131000)
        state = (await row(database, "messages", message)).state
        assert state == ("failed" if attempt == 5 else "queued"), attempt
    assert (await row(database, "messages", message)).reason.startswith("Given up after 5 attempts: ")


@pytest.mark.parametrize(
    ("code", "state", "reason"),
    [
        (190, "held", "token"),
        (131005, "held", "permission"),
        (131031, "stopped", "stopped"),
        (131042, "stopped", "stopped"),
        (130429, "live", None),
        (131000, "live", None),
        (987654, "live", None),
    ],
)
async def test_an_error_over_a_value_means_what_it_means_as_an_answer(
    database: Database, code: int, state: str, reason: str | None
) -> None:
    number, other = await connected_number(database), await connected_number(database, digits="15550002")
    message = await queued(database, number, await conversation(database, number))
    await take_in(database, _value_error(Letters(number), code, error_data="in a text"))
    integration = await row(database, "integrations", number.integration_id)
    assert (integration.state, integration.state_reason) == (state, reason)
    assert (integration.check_due_at is not None) is (state == "held")
    assert (await row(database, "integrations", other.integration_id)).state == "live"
    assert (await row(database, "messages", message)).state == "queued", "it is of no message"
    assert await outcomes(database) == {"applied": 1}
    (slots,) = await rows(
        database,
        "SELECT next_at > clock_timestamp() + interval '0.5 s' AS silent FROM rate_slots WHERE integration_id = :id",
        id=number.integration_id,
    )
    assert slots.silent is (code == 130429)


@pytest.mark.parametrize(
    ("event", "state"),
    [
        ({"event": "DISABLED_UPDATE", "ban_info": {"waba_ban_state": "REINSTATE"}}, "live"),
        ({"event": "ACCOUNT_RECONNECTED"}, "stopped"),
    ],
)
async def test_the_finding_of_what_an_error_stopped_is_gone_with_the_release_and_no_sooner(
    database: Database, event: Any, state: str
) -> None:
    number = await connected_number(database)
    await take_in(database, _value_error(Letters(number), 131031))
    entry = {"id": number.waba_id, "time": int(ago(seconds=-1).timestamp())}
    await take_in(database, envelope(entry | {"changes": [{"field": "account_update", "value": event}]}))
    assert (await row(database, "integrations", number.integration_id)).state == state
    (finding,) = await rows(database, "SELECT code, cleared_at FROM findings")
    assert (finding.code, finding.cleared_at is not None) == ("sending_refused", state == "live")


async def test_an_error_beside_messages_changes_nothing_about_them(database: Database) -> None:
    number = await connected_number(database)
    letters = Letters(number)
    body = letters.change(letters.said("hello"))
    body["value"]["errors"] = [{"code": 131031, "title": "Account locked"}, {"title": "no code"}]
    await take_in(database, letters.body(body))
    assert await outcomes(database) == {"applied": 3}
    (inbound,) = await rows(database, "SELECT state FROM messages")
    assert inbound.state == "received"
    (told,) = await rows(database, "SELECT type FROM events WHERE type LIKE 'integration.%'")
    assert told.type == "integration.stopped"


def _chooses(letters: Letters, *choices: tuple[str, int], **person: Any) -> bytes:
    """A body in which the customer chooses, each so many seconds ago."""
    change = letters.change()
    change["field"] = "user_preferences"
    change["value"]["user_preferences"] = [
        {"category": "marketing_messages", "value": value, "timestamp": int(ago(seconds=since).timestamp())} | person
        for value, since in choices
    ]
    return letters.body(change)


@pytest.mark.parametrize("name", ["wa_id", "user_id"])
async def test_a_customer_stops_marketing_and_resumes_it_and_the_latest_counts(database: Database, name: str) -> None:
    number = await connected_number(database)
    letters = Letters(number)
    person = {name: getattr(letters.customer, name)}
    await take_in(database, letters.message("hello"))

    async def stopped() -> tuple[bool, str | None]:
        (contact,) = await rows(database, "SELECT marketing_stopped_at, marketing_source FROM contacts")
        return contact.marketing_stopped_at is not None, contact.marketing_source

    assert await stopped() == (False, None)
    await take_in(database, _chooses(letters, ("stop", 60), **person))
    assert await stopped() == (True, "preference")
    await take_in(database, _chooses(letters, ("resume", 90), **person))
    assert await stopped() == (True, "preference"), "an older choice that comes late"
    await take_in(database, _chooses(letters, ("resume", 20), ("stop", 40), **person))
    assert await stopped() == (False, "preference")
    assert (await outcomes(database))["applied"] == 5


async def test_a_refusal_after_the_customer_resumed_is_news_and_one_of_before_is_not(database: Database) -> None:
    sent = await sent_from(database)  # its messages left 30 s ago
    for resumed, is_stopped in ((20, False), (40, True)):
        await change(database, "DELETE FROM consents")
        wamid = f"w{resumed}"
        await sent.message("accepted", wamid=wamid)
        person = {"wa_id": sent.letters.customer.wa_id}
        await take_in(database, _chooses(sent.letters, ("resume", resumed), **person))
        await _failed(sent, wamid, 131050)
        (contact,) = await rows(database, "SELECT marketing_stopped_at IS NOT NULL AS is_stopped FROM contacts")
        assert contact.is_stopped is is_stopped


async def test_a_choice_of_nobody_or_about_something_else_changes_nothing(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await take_in(database, _chooses(letters, ("stop", 5), wa_id="4915112345", category="something_else"))
    await take_in(database, _chooses(letters, ("never", 5), wa_id="4915112345"))
    await take_in(database, _chooses(letters, ("stop", 5)))
    assert await outcomes(database) == {"applied": 2, "parked": 1}
    assert await rows(database, "SELECT id FROM contacts") == []
