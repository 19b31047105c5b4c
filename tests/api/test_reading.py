"""What the management API shows: windows, stories, webhooks, numbers in words."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert, text

from store.ids import new_id
from store.integrations import set_enabled, set_state
from store.tables import (
    message_attempts,
    message_statuses,
    messages,
    turns,
    webhook_event_organizations,
    webhook_events,
    webhook_items,
)
from tests.api.edge import Edge, Tenant, talk
from tests.rows import change, queued, row

API = "/api/v1/whatsapp"


async def _insert(api: Edge, table: Any, **values: Any) -> None:
    async with api.database.transaction() as connection:
        await connection.execute(insert(table).values(values))


async def _event(api: Edge, owner: Tenant, *, state: str = "done", **counts: int) -> int:
    """A stored body that concerned this organization."""
    async with api.database.transaction() as connection:
        values = {"body": b"{}", "state": state, "received_at": text("now()"), "processed_at": text("now()")}
        event_id: int = (
            await connection.execute(insert(webhook_events).values(values).returning(webhook_events.c.id))
        ).scalar_one()
        await connection.execute(
            insert(webhook_event_organizations).values(
                organization_id=owner.organization_id, webhook_event_id=event_id, **counts
            )
        )
    return event_id


async def test_a_conversation_tells_whether_its_window_is_open_and_for_how_long(api: Edge, bakery: Tenant) -> None:
    await talk(api.database, bakery.number, wa_id="4917011", opened=timedelta(hours=25))
    await talk(api.database, bakery.number, wa_id="4917012", opened=timedelta(hours=23))
    items = (await bakery.client.get(f"{API}/conversations")).json()["items"]
    found = {item["contact_phone_number"]: item for item in items}
    assert found["+4917011"]["window_open"] is False
    assert found["+4917011"]["template_required"] is True
    assert found["+4917011"]["window_seconds_left"] == 0
    assert found["+4917012"]["window_open"] is True
    assert found["+4917012"]["template_required"] is False
    assert 3500 < found["+4917012"]["window_seconds_left"] <= 3600


async def test_contacts_are_shown_with_their_identities(bakery: Tenant) -> None:
    (contact,) = (await bakery.client.get(f"{API}/contacts")).json()["items"]
    assert contact["id"] == str(bakery.contact_id)
    assert (contact["profile_name"], contact["phone_number"]) == ("Ada", f"+{bakery.wa_id}")


async def test_a_messages_story_tells_receipt_decision_attempts_and_statuses(api: Edge, bakery: Tenant) -> None:
    owner = {"organization_id": bakery.organization_id}
    turn_id, event_id = new_id(), await _event(api, bakery, applied=1)
    await _insert(
        api,
        turns,
        id=turn_id,
        conversation_id=bakery.conversation_id,
        turn_no=1,
        agent_flow_id=bakery.number.agent_flow_id,
        state="answered",
        began_at=text("now()"),
        **owner,
    )
    await change(
        api.database,
        "UPDATE messages SET turn_id = :turn, webhook_event_id = :event WHERE id = :id",
        turn=turn_id,
        event=event_id,
        id=bakery.message_id,
    )
    reply = await queued(
        api.database, bakery.number, bakery.conversation_id, "hello back", turn_id=turn_id, author="bot"
    )
    attempt = {"message_id": reply, "claimed_at": text("now()"), **owner}
    await _insert(api, message_attempts, attempt=1, state="rejected", http_status=400, error_code=131056, **attempt)
    await _insert(api, message_attempts, attempt=2, state="accepted", http_status=200, wamid="wamid.out", **attempt)
    error = {"code": 131049, "title": "t", "error_data": {"details": "healthy ecosystem"}}
    await _insert(
        api,
        message_statuses,
        integration_id=bakery.number.integration_id,
        message_id=reply,
        attempt=2,
        wamid="wamid.out",
        status="failed",
        meta_timestamp=text("now()"),
        error_code=131049,
        raw={"errors": [error]},
        webhook_event_id=event_id,
        place=0,
        **owner,
    )

    inbound = (await bakery.client.get(f"{API}/messages/{bakery.message_id}")).json()
    assert inbound["receipt"]["webhook_event_id"] == event_id
    assert inbound["decision"]["answered_by"] == [str(reply)]
    assert inbound["attempts"] == []

    story = (await bakery.client.get(f"{API}/messages/{reply}")).json()
    assert story["receipt"] is None
    assert story["decision"]["asked_by"] == [str(bakery.message_id)]
    assert story["decision"]["agent_flow"] == "echo"
    assert [attempt["state"] for attempt in story["attempts"]] == ["rejected", "accepted"]
    assert story["attempts"][0]["error"]["code"] == 131056
    assert story["attempts"][0]["error"]["meaning"]
    assert story["statuses"][0]["error"]["detail"] == "healthy ecosystem"
    assert story["statuses"][0]["error"]["next_step"]


async def test_a_conversations_messages_come_newest_first(api: Edge, bakery: Tenant) -> None:
    second = await queued(api.database, bakery.number, bakery.conversation_id)
    items = (await bakery.client.get(f"{API}/conversations/{bakery.conversation_id}/messages")).json()["items"]
    assert [item["id"] for item in items] == [str(second), str(bakery.message_id)]
    assert [item["direction"] for item in items] == ["out", "in"]


async def test_webhook_events_are_filtered_by_what_became_of_their_items(api: Edge, bakery: Tenant) -> None:
    applied = await _event(api, bakery, applied=2)
    parked = await _event(api, bakery, applied=1, parked=1)
    repeated = await _event(api, bakery, duplicate=1)
    again = await _event(api, bakery, state="pending", parked=1)
    await _insert(
        api,
        webhook_items,
        webhook_event_id=parked,
        place=1,
        kind="message",
        outcome="parked",
        reason="it has no id",
        phone_number_id=bakery.number.phone_number_id,
        organization_id=bakery.organization_id,
    )

    async def ids(**filters: str) -> list[int]:
        answer = await bakery.client.get(f"{API}/webhook-events", params=filters)
        return [item["id"] for item in answer.json()["items"]]

    assert await ids() == [again, repeated, parked, applied]
    assert await ids(state="applied") == [parked, applied]
    assert await ids(state="parked") == [again, parked]
    assert await ids(state="duplicate") == [repeated]
    assert await ids(state="pending") == [again]
    assert await ids(state="quarantined") == []
    assert (await bakery.client.get(f"{API}/webhook-events", params={"state": "x"})).status_code == 422
    (item,) = (await bakery.client.get(f"{API}/webhook-events", params={"state": "applied"})).json()["items"][0][
        "items"
    ]
    assert (item["place"], item["reason"]) == (1, "it has no id")


async def test_the_status_says_in_words_how_each_number_is_doing(api: Edge, bakery: Tenant) -> None:
    number = bakery.number

    async def status() -> Any:
        (found,) = (await bakery.client.get(f"{API}/status")).json()
        return found

    well = await status()
    assert (well["enabled"], well["connected"], well["phone_number"]) == (True, True, number.phone_number)
    assert well["in_words"] == "Connected."

    names = {"organization_id": number.organization_id, "integration_id": number.integration_id}
    await set_state(api.database, **names, state="held", reason="token")
    await set_enabled(api.database, **names, enabled=False)
    await queued(api.database, number, bakery.conversation_id, hold="token", hold_since=text("now()"))
    await queued(api.database, number, bakery.conversation_id, hold="token", hold_since=text("now()"))
    await change(api.database, "UPDATE conversations SET due_at = now() - interval '1 minute'")
    await _insert(
        api,
        webhook_items,
        webhook_event_id=await _event(api, bakery, parked=1),
        place=0,
        kind="message",
        outcome="parked",
        reason="it has no id",
        phone_number_id=number.phone_number_id,
        organization_id=number.organization_id,
    )
    ill = await status()
    assert (ill["enabled"], ill["connected"], ill["late"], ill["parked"]) == (False, False, 1, 1)
    assert [(part["what"], part["messages"]) for part in ill["waiting"]] == [("disabled", 2)]
    for words in (
        "Held: messages come in, none leave. Reason: Meta says that the access token is not valid, or no longer.",
        "Switched off by its owner",
        "2 messages waiting until the number is enabled.",
        "1 conversation late",
        "1 webhook item could not be applied",
    ):
        assert words in ill["in_words"]


async def test_every_hold_has_words() -> None:
    from store.status import _WHAT
    from store.tables import HOLDS

    assert set(HOLDS) | {"queued", "sending", "unknown", "decision"} == set(_WHAT)
    assert messages.c.hold is not None


async def test_a_take_over_names_what_is_on_its_way_and_discards_an_answer_being_thought_of(
    api: Edge, bakery: Tenant
) -> None:
    sending = await queued(api.database, bakery.number, bakery.conversation_id, state="sending")
    waiting = await queued(api.database, bakery.number, bakery.conversation_id, author="bot")
    turn_id = new_id()
    await _insert(
        api,
        turns,
        id=turn_id,
        organization_id=bakery.organization_id,
        conversation_id=bakery.conversation_id,
        turn_no=1,
        agent_flow_id=bakery.number.agent_flow_id,
        state="asking",
        began_at=text("now()"),
    )
    place = f"{API}/conversations/{bakery.conversation_id}"
    taken = (await bakery.client.post(f"{place}/take-over")).json()
    assert (taken["in_charge"], taken["already_sending"]) == ("person", [str(sending)])
    assert (await row(api.database, "turns", turn_id)).state == "discarded"
    assert (await row(api.database, "messages", waiting)).state == "cancelled"
    conversation = await row(api.database, "conversations", bakery.conversation_id)
    assert (conversation.in_charge, conversation.due_at is not None) == ("person", True)
    assert (await bakery.client.post(f"{place}/take-over")).json() == taken

    back = (await bakery.client.post(f"{place}/give-back")).json()
    assert back["in_charge"] == "bot"
    assert back["since"] > taken["since"]
    assert (await bakery.client.post(f"{place}/give-back")).json() == back


async def test_a_conversation_that_went_into_another_says_into_which(api: Edge, bakery: Tenant) -> None:
    into = await talk(api.database, bakery.number, wa_id="4917013", opened=timedelta(hours=1))
    merged = "UPDATE conversations SET merged_into = :into WHERE id = :id"
    await change(api.database, merged, into=into, id=bakery.conversation_id)
    answer = await bakery.client.get(f"{API}/conversations/{bakery.conversation_id}/messages")
    assert answer.status_code == 410
    assert (answer.json()["code"], answer.json()["merged_into"]) == ("merged", str(into))
    listed = (await bakery.client.get(f"{API}/conversations")).json()["items"]
    assert str(bakery.conversation_id) not in {item["id"] for item in listed}
