"""A contact's consent over the API: read with its history, told by the business; and a number's own stop words."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from store.ids import new_id
from tests.api.edge import Edge, Tenant
from tests.intake.letters import Customer, Letters, rows, take_in


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
