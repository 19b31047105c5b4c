"""Deciding by the API: what waits for it is found, its story says what is known, and who decided is kept."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from store.integrations import connect_number
from tests.api.edge import Edge, Tenant
from tests.api.giving import give
from tests.files import PDF
from tests.rows import KEYED_HASH, RING, Number, change, conversation, queued, row, rows
from tests.store.unknown import asked, attempted, silence_is_proof, unknown

MESSAGES = "/api/v1/whatsapp/messages"
SEND = "/api/v1/whatsapp/send-message"
INTEGRATIONS = "/api/v1/channels/whatsapp/integrations"


async def _story(owner: Tenant, message_id: UUID) -> Any:
    return (await owner.client.get(f"{MESSAGES}/{message_id}")).json()


async def test_a_message_is_sent_again_by_a_key_and_its_story_says_by_whom(api: Edge, bakery: Tenant) -> None:
    message_id = await asked(api.database, bakery.number, bakery.conversation_id)

    answer = await bakery.client.post(f"{MESSAGES}/{message_id}/resend", json={"attempt": 1})

    assert (answer.status_code, answer.json()["state"], answer.json()["decision"]) == (200, "queued", "resend")
    again = await bakery.client.post(f"{MESSAGES}/{message_id}/resend")
    assert again.json() == answer.json()
    (settled,) = (await _story(bakery, message_id))["outcome"]["settled"]
    assert (settled["decision"], settled["decided_by"], settled["decided_by_name"]) == ("resend", "key", "test")
    assert (settled["evidence"], settled["conclusive"], settled["policy"]) == (
        "a status may have been missed: webhooks were not received all the time",
        False,
        "evidence",
    )
    (noted,) = await rows(api.database, "SELECT * FROM audit_log WHERE action = 'message.resend'")
    assert (noted.actor, noted.subject_id) == ("key", message_id)


async def test_a_message_is_given_up(api: Edge, bakery: Tenant) -> None:
    message_id = await asked(api.database, bakery.number, bakery.conversation_id)
    answer = await bakery.client.post(f"{MESSAGES}/{message_id}/give-up")
    assert (answer.status_code, answer.json()["state"]) == (200, "failed")
    story = await _story(bakery, message_id)
    assert (story["message"]["state"], story["outcome"]["choices"]) == ("failed", [])
    assert "Given up by a person" in story["outcome"]["says"]


async def test_what_may_not_be_decided_is_refused_with_its_own_problem(api: Edge, bakery: Tenant) -> None:
    waiting = await unknown(api.database, bakery.number, bakery.conversation_id, wait_over=False)
    accepted = await queued(api.database, bakery.number, bakery.conversation_id, state="accepted", attempt=1)
    undecided = await asked(api.database, bakery.number, bakery.conversation_id)
    for message_id, body, status, code in (
        (waiting, None, 409, "outcome_awaited"),
        (accepted, None, 409, "not_undecided"),
        (bakery.message_id, None, 409, "not_undecided"),
        (undecided, {"attempt": 2}, 409, "not_undecided"),
        (undecided, {"attempt": 0}, 422, "invalid_request"),
        (undecided, {"surprise": 1}, 422, "invalid_request"),
    ):
        answer = await bakery.client.post(f"{MESSAGES}/{message_id}/resend", json=body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.json()["next_step"]
    assert (await row(api.database, "messages", undecided)).state == "unknown"


async def test_the_story_tells_each_attempt_with_what_meta_answered_and_what_that_means(
    api: Edge, bakery: Tenant
) -> None:
    number = bakery.number
    message_id = await queued(
        api.database, number, bakery.conversation_id, state="unknown", attempt=4, claimed_at=datetime.now(UTC)
    )
    now = {"claimed_at": datetime.now(UTC)}
    answered = {"http_status": 500, "error_code": 131000, "error_subcode": 7, "error_class": "server"}
    words = {"error_detail": "Something went wrong", "fbtrace_id": "AbC"}
    await attempted(
        api.database, number.organization_id, message_id, attempt=1, state="unknown", **answered, **words, **now
    )
    lost = {"error_class": "network", "error_detail": "timed out"}
    await attempted(api.database, number.organization_id, message_id, attempt=2, state="unknown", **lost, **now)
    unreached = {"error_class": "network", "error_detail": "refused"}
    await attempted(api.database, number.organization_id, message_id, attempt=3, state="rejected", **unreached, **now)
    later = {"http_status": 200, "error_code": 131000, "error_class": "server"}
    await attempted(api.database, number.organization_id, message_id, attempt=5, state="rejected", **later, **now)
    strange = {"http_status": 400, "error_code": 987654321, "error_class": "other"}
    await attempted(api.database, number.organization_id, message_id, attempt=6, state="unknown", **strange, **now)
    left = {"error_class": "lost", "error_detail": "ended"}
    await attempted(api.database, number.organization_id, message_id, attempt=4, state="unknown", **left, **now)

    attempts = (await _story(bakery, message_id))["attempts"]
    refused, silent, not_reached, left_alone, refused_by_status, strange_code = attempts

    assert (refused["http_status"], refused["fbtrace_id"]) == (500, "AbC")
    error = refused["error"]
    assert (error["code"], error["subcode"], error["error_class"]) == (131000, 7, "server")
    assert error["detail"] == "Something went wrong"
    assert "not certain" in error["meaning"]
    assert error["next_step"]
    assert (silent["error"]["code"], silent["error"]["detail"]) == (None, "timed out")
    assert "may have taken the message" in silent["error"]["meaning"]
    assert "nothing was sent" in not_reached["error"]["meaning"]
    assert "worker" in left_alone["error"]["meaning"]
    assert refused_by_status["error"]["next_step"] != error["next_step"], "a failed status leaves nothing to find out"
    assert strange_code["error"]["next_step"] == error["next_step"]


async def test_the_story_of_an_unknown_outcome_tells_the_evidence_of_this_moment(api: Edge, bakery: Tenant) -> None:
    message_id = await asked(api.database, bakery.number, bakery.conversation_id, unknown_policy="ask")
    outcome = (await _story(bakery, message_id))["outcome"]
    assert outcome["evidence"]["conclusive"] is False
    assert (outcome["policy"], outcome["policy_of"], outcome["attempt"]) == ("ask", "message", 1)
    assert [(choice["decision"], choice["not_before"]) for choice in outcome["choices"]] == [
        ("resend", None),
        ("give_up", None),
    ]

    await silence_is_proof(api.database, bakery.number, bakery.conversation_id)
    evidence = (await _story(bakery, message_id))["outcome"]["evidence"]
    assert evidence["conclusive"] is True
    assert evidence["why"].startswith("3 messages sent later")


async def test_the_story_says_until_when_a_status_may_still_tell(api: Edge, bakery: Tenant) -> None:
    message_id = await unknown(api.database, bakery.number, bakery.conversation_id, wait_over=False)
    outcome = (await _story(bakery, message_id))["outcome"]
    assert outcome["awaited_until"] is not None
    resend, give_up = outcome["choices"]
    assert resend["not_before"] == outcome["awaited_until"]
    assert give_up["not_before"] is None


@pytest.mark.parametrize(
    ("columns", "spoil", "caution"),
    [
        ({}, "SELECT 1", None),
        ({}, "UPDATE conversations SET window_opened_at = now() - interval '25 hours'", "window is closed"),
        ({"author": "bot"}, "UPDATE conversations SET in_charge = 'person'", "in charge"),
        ({"send_before": datetime.now(UTC) - timedelta(seconds=1)}, "SELECT 1", "may be stale"),
        ({}, "UPDATE integrations SET enabled = false", "does not send"),
    ],
)
async def test_what_speaks_against_a_resend_is_told_beforehand(
    api: Edge, bakery: Tenant, columns: dict[str, Any], spoil: str, caution: str | None
) -> None:
    message_id = await asked(api.database, bakery.number, bakery.conversation_id, **columns)
    await change(api.database, spoil)
    resend = (await _story(bakery, message_id))["outcome"]["choices"][0]
    assert resend["decision"] == "resend"
    assert caution in resend["caution"] if caution else resend["caution"] is None


async def test_of_a_disconnected_number_a_message_can_only_be_given_up(api: Edge, bakery: Tenant) -> None:
    message_id = await asked(api.database, bakery.number, bakery.conversation_id)
    await change(api.database, "UPDATE integrations SET state = 'disconnected'")
    choices = (await _story(bakery, message_id))["outcome"]["choices"]
    assert [choice["decision"] for choice in choices] == ["give_up"]


async def test_of_a_customers_message_there_is_no_outcome(bakery: Tenant) -> None:
    story = await _story(bakery, bakery.message_id)
    assert story["outcome"] is None
    assert story["parties"]["contact_phone_number"] == f"+{bakery.wa_id}"


async def test_what_waits_for_a_decision_is_listed_by_number_and_by_what_it_waits_for(
    api: Edge, bakery: Tenant
) -> None:
    second = await _second_number(api, bakery)
    elsewhere = await conversation(api.database, second, wa_id="4917033")
    old = await asked(api.database, bakery.number, bakery.conversation_id)
    over = await unknown(api.database, bakery.number, bakery.conversation_id)
    waiting = await unknown(api.database, bakery.number, bakery.conversation_id, wait_over=False)
    other = await asked(api.database, second, elsewhere)
    await queued(api.database, bakery.number, bakery.conversation_id, state="failed", attempt=1)

    async def ids(**filters: str) -> list[str]:
        items = (await bakery.client.get(MESSAGES, params=filters)).json()["items"]
        return [item["message"]["id"] for item in items]

    number, others = str(bakery.number.integration_id), str(second.integration_id)
    assert await ids(state="unknown") == [str(each) for each in (other, waiting, over, old)]
    assert await ids(waits_for="person") == [str(each) for each in (other, over, old)]
    assert await ids(waits_for="status") == [str(waiting)]
    assert await ids(integration_id=others) == [str(other)]
    assert await ids(integration_id=number, waits_for="person") == [str(over), str(old)]
    for filters in ({"state": "accepted"}, {"waits_for": "x"}, {"integration_id": "x"}):
        assert (await bakery.client.get(MESSAGES, params=filters)).status_code == 422


async def test_the_list_tells_of_a_message_all_that_its_conversation_tells(api: Edge, bakery: Tenant) -> None:
    file = (await give(bakery, PDF, filename="bill.pdf")).json()
    answers = {"context": {"message_id": (await row(api.database, "messages", bakery.message_id)).wamid}}
    content = {"document": {"media_id": file["id"]}} | answers
    about = {"type": "document", "content": content, "media_id": UUID(file["id"])}
    message_id = await asked(api.database, bakery.number, bakery.conversation_id, **about)
    (listed,) = (await bakery.client.get(MESSAGES)).json()["items"]
    assert (listed["message"]["file"]["filename"], listed["message"]["file"]["kind"]) == ("bill.pdf", "document")
    assert listed["message"]["replies_to"]["message_id"] == str(bakery.message_id)
    conversation_of = f"/api/v1/whatsapp/conversations/{bakery.conversation_id}/messages"
    shown = (await bakery.client.get(conversation_of)).json()["items"]
    assert listed["message"] == next(one for one in shown if one["id"] == str(message_id))


async def test_the_status_of_a_number_says_how_many_messages_wait_for_a_decision(api: Edge, bakery: Tenant) -> None:
    await asked(api.database, bakery.number, bakery.conversation_id)
    await unknown(api.database, bakery.number, bakery.conversation_id)
    await unknown(api.database, bakery.number, bakery.conversation_id, wait_over=False)
    (status,) = (await bakery.client.get("/api/v1/whatsapp/status")).json()
    assert {part["what"]: part["messages"] for part in status["waiting"]} == {"decision": 2, "unknown": 1}
    assert "2 messages of unknown outcome, waiting for a person's decision." in status["in_words"]


async def test_the_list_comes_in_pages_and_each_says_what_is_known(api: Edge, bakery: Tenant) -> None:
    messages = [await asked(api.database, bakery.number, bakery.conversation_id) for _ in range(5)]
    seen, cursor = [], None
    while True:
        params = {"limit": "2"} | ({} if cursor is None else {"cursor": cursor})
        page = (await bakery.client.get(MESSAGES, params=params)).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert [item["message"]["id"] for item in seen] == [str(each) for each in reversed(messages)]
    assert {(item["waits_for"], item["policy"], item["attempt"]) for item in seen} == {("person", "evidence", 1)}
    assert seen[0]["parties"]["integration_id"] == str(bakery.number.integration_id)
    assert seen[0]["parties"]["contact_id"] == str(bakery.contact_id)


@pytest.mark.parametrize("policy", ["evidence", "ask", "resend", "give_up"])
async def test_each_policy_is_taken_for_a_number_and_for_a_message(api: Edge, bakery: Tenant, policy: str) -> None:
    number = f"{INTEGRATIONS}/{bakery.number.integration_id}"
    assert (await bakery.client.get(number)).json()["unknown_policy"] == "evidence", "the default"
    changed = await bakery.client.put(number, json={"unknown_policy": policy})
    assert (changed.status_code, changed.json()["unknown_policy"]) == (200, policy)
    text = {"conversation_id": str(bakery.conversation_id), "text": {"body": "hi"}, "unknown_policy": policy}
    sent = (await bakery.client.post(SEND, json=text)).json()
    assert (await row(api.database, "messages", UUID(sent["message_id"]))).unknown_policy == policy


async def test_a_policy_that_nobody_knows_is_refused(bakery: Tenant) -> None:
    number = f"{INTEGRATIONS}/{bakery.number.integration_id}"
    assert (await bakery.client.put(number, json={"unknown_policy": "guess"})).status_code == 422
    assert (await bakery.client.get(number)).json()["unknown_policy"] == "evidence"


async def _second_number(api: Edge, owner: Tenant) -> Number:
    """Another number of the same organization."""
    integration_id = await connect_number(
        api.database,
        RING,
        KEYED_HASH,
        organization_id=owner.organization_id,
        agent_flow_id=owner.number.agent_flow_id,
        waba_id=owner.number.waba_id,
        phone_number="+15550077",
        phone_number_id="9915550077",
        access_token="another token",
        verify_token="another word",
    )
    made = owner.number
    return Number(
        made.organization_id,
        made.agent_flow_id,
        integration_id,
        made.waba_id,
        "9915550077",
        "+15550077",
        "another token",
    )
