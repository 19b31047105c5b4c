"""A contact's consent over the API: read with its history, told by the business; and a number's own stop words."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from store.ids import new_id
from tests.api.edge import Edge, Tenant
from tests.intake.letters import Customer, Letters, take_in
from tests.rows import rows
from tests.templates import at_meta, synced

OF_ANYBODY = "/api/v1/whatsapp/contacts/consent"
NEW, BSUID = "+31612345678", "NL.1349001122334455"


def _path(owner: Tenant) -> str:
    return f"/api/v1/whatsapp/contacts/{owner.contact_id}/consent"


async def _tell(owner: Tenant, **told: Any) -> httpx.Response:
    return await owner.client.put(_path(owner), json=told)


async def test_it_is_told_read_and_listed(bakery: Tenant) -> None:
    nothing = (await bakery.client.get(_path(bakery))).json()
    assert (nothing["marketing"], nothing["since"], nothing["history"]) == ("neither", None, [])
    asked = await _tell(bakery, choice="opt_in", told_at="2026-11-20T15:05:00+01:00", note="at checkout")
    assert asked.status_code == 200, asked.text
    assert (asked.json()["marketing"], asked.json()["since"]) == ("opted_in", "2026-11-20T14:05:00Z")
    stopped = (await _tell(bakery, choice="stop", note="by phone")).json()
    assert stopped["marketing"] == "stopped"
    assert [told["choice"] for told in stopped["history"]] == ["stop", "opt_in"]
    assert (await bakery.client.get(_path(bakery))).json() == stopped
    (contact,) = (await bakery.client.get("/api/v1/whatsapp/contacts")).json()["items"]
    assert (contact["marketing_stopped_at"], contact["marketing_source"]) == (stopped["since"], "api")
    assert contact["marketing_opted_in_at"] is None
    resumed = (await _tell(bakery, choice="resume")).json()
    assert (resumed["marketing"], resumed["since"]) == ("neither", None)


async def test_a_customers_own_word_stands_in_the_history_with_its_message(api: Edge, bakery: Tenant) -> None:
    await take_in(api.database, Letters(bakery.number, Customer(bakery.wa_id, None)).message("STOP", wamid="w1"))
    (told,) = (await bakery.client.get(_path(bakery))).json()["history"]
    (message,) = await rows(api.database, "SELECT id FROM messages WHERE wamid = 'w1'")
    assert (told["source"], told["message_id"]) == ("stop_word", str(message.id))
    assert told["says"] == "Marketing stopped, by a word that they wrote."


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({}, "choice"),
        ({"choice": "canary"}, "choice"),
        ({"choice": "opt_in"}, "note: an opt-in needs one"),
        ({"choice": "opt_in", "note": " "}, "note"),
        ({"choice": "opt_in", "note": "a\x00b"}, "note"),
        ({"choice": "opt_in", "note": "x" * 1001}, "note"),
        ({"choice": "stop", "told_at": "2026-11-20T14:05:00"}, "told_at"),
        ({"choice": "stop", "told_at": "9999-12-31T23:59:59-23:00"}, "told_at"),
        ({"choice": "stop", "told_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "told_at"),
        ({"choice": "stop", "source": "preference"}, "source"),
    ],
)
async def test_what_makes_no_sense_is_refused_and_changes_nothing(
    api: Edge, bakery: Tenant, told: dict[str, Any], says: str
) -> None:
    answer = await _tell(bakery, **told)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert says in answer.text
    assert "canary" not in answer.text
    assert await rows(api.database, "SELECT * FROM consents") == []


async def test_a_contact_that_nobody_knows_is_answered_404(bakery: Tenant) -> None:
    path = f"/api/v1/whatsapp/contacts/{new_id()}/consent"
    assert (await bakery.client.get(path)).status_code == 404
    assert (await bakery.client.put(path, json={"choice": "stop"})).status_code == 404


async def _tell_of(owner: Tenant, **told: Any) -> httpx.Response:
    return await owner.client.put(OF_ANYBODY, json={"told_at": "2026-11-20T14:05:00Z"} | told)


async def _of(owner: Tenant, **who: str) -> httpx.Response:
    return await owner.client.get(OF_ANYBODY, params=who)


async def test_who_was_told_of_before_they_ever_wrote_gets_no_marketing_and_is_one_contact_when_they_write(
    api: Edge, bakery: Tenant
) -> None:
    body = [{"type": "BODY", "text": "Hello"}]
    templates = [at_meta("offer", "en", category="MARKETING", components=body)]
    await synced(api.database, bakery.number, *templates)
    offer = {"to": NEW, "template": {"name": "offer", "language": {"code": "en"}}}
    before = await rows(api.database, "SELECT id FROM conversations")

    stopped = await _tell_of(bakery, to="+31 6 1234-5678", choice="stop", note="their letter")
    assert (stopped.status_code, stopped.json()["marketing"]) == (200, "stopped"), stopped.text
    assert (await _of(bakery, to=NEW)).json() == stopped.json()
    refused = await bakery.client.post("/api/v1/whatsapp/send-proactive-message", json=offer)
    words = "The contact has stopped marketing messages: since 2026-11-20 14:05 UTC, as the business's software told."
    assert (refused.status_code, refused.json()["detail"]) == (409, words)
    asked = await _tell_of(bakery, user_id=BSUID, choice="opt_in", note="at checkout", told_at="2026-11-19T14:05:00Z")
    assert asked.json()["marketing"] == "opted_in"
    assert asked.json()["contact_id"] != stopped.json()["contact_id"]
    assert await rows(api.database, "SELECT id FROM conversations") == before

    letters = Letters(bakery.number, Customer(NEW.removeprefix("+"), BSUID))
    await take_in(api.database, letters.message("hello", wamid="w1"))
    by_phone, by_bsuid = (await _of(bakery, to=NEW)).json(), (await _of(bakery, user_id=BSUID)).json()
    assert by_phone == by_bsuid
    assert (by_phone["marketing"], [told["choice"] for told in by_phone["history"]]) == ("stopped", ["stop", "opt_in"])
    (talk,) = await rows(
        api.database,
        "SELECT c.contact_id FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.wamid = 'w1'",
    )
    assert str(talk.contact_id) == by_phone["contact_id"]


async def test_a_list_that_is_told_again_makes_nobody_twice_and_undoes_nothing_that_came_after_it(
    api: Edge, bakery: Tenant
) -> None:
    told: dict[str, Any] = {"to": NEW, "choice": "opt_in", "note": "at checkout"}
    answers = await asyncio.gather(*(_tell_of(bakery, **told) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.content for answer in answers}) == 1
    assert answers[0].json()["marketing"] == "opted_in"
    assert len(await rows(api.database, "SELECT id FROM contacts")) == 2, "theirs, and the bakery's first"
    noted = await rows(api.database, "SELECT subject_id FROM audit_log WHERE action = 'contact.consent_told'")
    assert [str(one.subject_id) for one in noted] == [answers[0].json()["contact_id"]]
    stop = Letters(bakery.number, Customer(NEW.removeprefix("+"), None)).message("STOP")
    await take_in(api.database, stop)
    assert (await _tell_of(bakery, **told)).json()["marketing"] == "stopped"
    assert len(await rows(api.database, "SELECT id FROM consents")) == 2


@pytest.mark.parametrize(
    ("told", "says"),
    [
        ({"choice": "stop"}, "name exactly one of to and user_id"),
        ({"to": NEW, "user_id": BSUID, "choice": "stop"}, "name exactly one of to and user_id"),
        ({"to": "0612345678", "choice": "stop"}, "must begin with +"),
        ({"user_id": "canary", "choice": "stop"}, "user_id"),
        ({"to": NEW, "choice": "opt_in"}, "note: an opt-in needs one"),
        ({"to": NEW, "choice": "stop", "told_at": None}, "told_at"),
        ({"to": NEW, "choice": "stop", "told_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}, "told_at"),
        ({"to": NEW, "choice": "stop", "contact_id": str(new_id())}, "contact_id"),
    ],
)
async def test_what_makes_no_sense_of_somebody_new_is_refused_and_makes_nobody_a_contact(
    api: Edge, bakery: Tenant, told: dict[str, Any], says: str
) -> None:
    answer = await _tell_of(bakery, **told)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert says in answer.text
    assert "canary" not in answer.text
    assert [one.id for one in await rows(api.database, "SELECT id FROM contacts")] == [bakery.contact_id]


async def test_of_somebody_unknown_there_is_nothing_to_read_and_an_address_may_hold_a_plus_as_it_is(
    bakery: Tenant, florist: Tenant
) -> None:
    written = await bakery.client.get(f"{OF_ANYBODY}?to=+{bakery.wa_id}")
    for known in (await _of(bakery, to=f"+{bakery.wa_id}"), written):
        assert known.json()["contact_id"] == str(bakery.contact_id)
    for nobody in (await _of(bakery, to=NEW), await _of(florist, to=f"+{bakery.wa_id}")):
        assert (nobody.status_code, nobody.json()["detail"]) == (404, "Nothing is known of this person.")
    assert (await _of(bakery)).status_code == (await _of(bakery, to=bakery.wa_id)).status_code == 422


async def _words(owner: Tenant, words: Any) -> httpx.Response:
    path = f"/api/v1/channels/whatsapp/integrations/{owner.number.integration_id}"
    return await owner.client.put(path, json={"stop_words": words})


async def test_a_number_gets_words_of_its_own_and_the_known_ones_back(api: Edge, bakery: Tenant) -> None:
    letters = Letters(bakery.number, Customer(bakery.wa_id, None))
    own = {"nl": {"stop": ["Geen reclame"], "start": ["Toch wel"]}}
    answer = await _words(bakery, own)
    assert (answer.status_code, answer.json()["stop_words"]) == (200, own)
    await take_in(api.database, letters.message("STOP"), letters.message("geen reclame."))
    (contact,) = await rows(api.database, "SELECT marketing_source FROM contacts")
    assert contact.marketing_source == "stop_word"
    assert len(await rows(api.database, "SELECT * FROM consents")) == 1
    assert (await _words(bakery, "default")).json()["stop_words"] is None
    assert (await _words(bakery, {})).json()["stop_words"] == {}
    path = f"/api/v1/channels/whatsapp/integrations/{bakery.number.integration_id}"
    assert (await bakery.client.put(path, json={"enabled": True})).json()["stop_words"] == {}, "left out it stays"
    noted = await rows(api.database, "SELECT actor FROM audit_log WHERE action = 'integration.stop_words_set'")
    assert [one.actor for one in noted] == ["key", "key", "key"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ("canary", "stop_words"),
        ({"nl": ["canary"]}, "stop_words"),
        ({"nl": {"stop": ["!"]}}, "nl.stop.0: must have letters"),
        ({"nl": {"stop": ["x" * 61]}}, "nl.stop.0"),
        ({"nl": {"stop": ["canary"], "start": ["Canary!"]}}, "nl.start.0: cannot both"),
        ({"nl": {"stop": ["a"], "halt": []}}, "halt"),
        ({"Dutch!": {"stop": ["a"]}}, "stop_words"),
        ({"nl": {"stop": [f"w{n}" for n in range(51)]}}, "50 at most"),
    ],
)
async def test_words_that_cannot_be_used_are_refused_by_their_place(bakery: Tenant, words: Any, says: str) -> None:
    answer = await _words(bakery, words)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert says in answer.text
    assert "canary" not in answer.text.lower()
