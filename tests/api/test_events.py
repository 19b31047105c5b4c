"""Event endpoints over HTTP: registered with a secret shown once, tried, read, switched off and on, redelivered."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import uuid4

import pytest

from store.engine import Database
from tests.api.edge import Edge, Tenant, edge, settings_for, tenant
from tests.rows import change, row

API = "/api/v1/event-endpoints"
URL = "https://shop.example.com/events"


async def _registered(owner: Tenant, **fields: Any) -> dict[str, Any]:
    answer = await owner.client.post(API, json={"url": URL} | fields)
    assert answer.status_code == 201
    made: dict[str, Any] = answer.json()
    return made


async def test_an_endpoint_is_registered_with_a_secret_that_is_shown_once(api: Edge, bakery: Tenant) -> None:
    made = await _registered(bakery, types=["integration.held"])
    endpoint = made["endpoint"]
    assert made["secret"].startswith("whsec_")
    assert (endpoint["url"], endpoint["types"], endpoint["enabled"]) == (URL, ["integration.held"], True)
    (listed,) = (await bakery.client.get(API)).json()["items"]
    assert listed == (await bakery.client.get(f"{API}/{endpoint['id']}")).json() == endpoint
    kept = await row(api.database, "event_endpoints", endpoint["id"])
    assert made["secret"].encode() not in bytes(kept.secret_sealed)


@pytest.mark.parametrize(
    "url",
    [
        "http://shop.example.com/events",
        "https://127.0.0.1/events",
        "https://10.1.2.3/events",
        "https://[::1]/events",
        "https://[::ffff:10.0.0.1]/",
        "https://localhost/events",
        "https://printer.local/events",
        "https://intranet/events",
        "https://user:secret@shop.example.com/",
        "ftp://shop.example.com/",
        "https://shop.example.com:99999/",
        "https:///events",
        "shop.example.com/events",
        "https://shop.example.com/a b",
        "https://shöp.example.com/",
    ],
)
async def test_a_url_that_can_be_seen_to_be_no_public_address_is_refused(bakery: Tenant, url: str) -> None:
    answer = await bakery.client.post(API, json={"url": url})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert answer.json()["detail"].startswith("url: ")


@pytest.fixture
async def developing(database: Database, database_url: str) -> AsyncIterator[Edge]:
    settings = settings_for(database_url)
    object.__setattr__(settings, "events", settings.events.model_copy(update={"private_addresses": True}))
    async with edge(database, settings) as serving:
        yield serving


async def test_a_private_address_is_taken_where_the_setting_allows_it(developing: Edge) -> None:
    async with tenant(developing) as owner:
        assert (await owner.client.post(API, json={"url": "http://127.0.0.1:9/events"})).status_code == 201


async def test_a_type_that_does_not_exist_is_refused(bakery: Tenant) -> None:
    answer = await bakery.client.post(API, json={"url": URL, "types": ["integration.exploded"]})
    assert answer.status_code == 422
    assert (await bakery.client.post(API, json={"url": URL, "types": []})).status_code == 422


async def test_an_endpoint_is_changed_switched_off_and_on_and_taken_away(api: Edge, bakery: Tenant) -> None:
    place = f"{API}/{(await _registered(bakery))['endpoint']['id']}"
    changed = await bakery.client.put(place, json={"url": f"{URL}/2", "types": ["test"], "enabled": False})
    assert (changed.json()["url"], changed.json()["types"], changed.json()["enabled"]) == (f"{URL}/2", ["test"], False)
    assert changed.json()["disabled_reason"] is None
    await change(api.database, "UPDATE event_endpoints SET disabled_reason = 'It took nothing for a day.'")
    on = await bakery.client.put(place, json={"url": URL})
    assert (on.json()["enabled"], on.json()["disabled_reason"], on.json()["disabled_at"]) == (True, None, None)
    assert (await bakery.client.delete(place)).status_code == 200
    assert (await bakery.client.get(place)).status_code == 404
    assert (await bakery.client.delete(place)).status_code == 404
    assert (await bakery.client.get(API)).json()["items"] == []


async def test_a_trial_is_a_delivery_that_can_be_read_and_sent_again(api: Edge, bakery: Tenant) -> None:
    place = f"{API}/{(await _registered(bakery, types=['integration.held']))['endpoint']['id']}"
    asked = await bakery.client.post(f"{place}/test")
    assert asked.status_code == 202
    (delivery,) = (await bakery.client.get(f"{place}/deliveries")).json()["items"]
    assert (delivery["id"], delivery["type"], delivery["state"]) == (asked.json()["delivery_id"], "test", "pending")
    again = f"/api/v1/event-deliveries/{delivery['id']}/redeliver"
    assert (await bakery.client.post(again)).status_code == 409
    await change(
        api.database, "UPDATE event_deliveries SET state = 'failed', attempts = 9, last_status = 503, last_error = 'no'"
    )
    redelivered = await bakery.client.post(again)
    assert redelivered.status_code == 202
    newest, oldest = (await bakery.client.get(f"{place}/deliveries")).json()["items"]
    assert (newest["id"], newest["redelivers_id"]) == (redelivered.json()["delivery_id"], delivery["id"])
    assert newest["event_id"] == oldest["event_id"]
    assert (oldest["attempts"], oldest["status"], oldest["reason"]) == (9, 503, "no")


async def test_an_endpoint_that_is_off_takes_neither_a_trial_nor_a_repetition(api: Edge, bakery: Tenant) -> None:
    place = f"{API}/{(await _registered(bakery))['endpoint']['id']}"
    delivery_id = (await bakery.client.post(f"{place}/test")).json()["delivery_id"]
    await change(api.database, "UPDATE event_deliveries SET state = 'failed'")
    await bakery.client.put(place, json={"url": URL, "enabled": False})
    for refused in (
        await bakery.client.post(f"{place}/test"),
        await bakery.client.post(f"/api/v1/event-deliveries/{delivery_id}/redeliver"),
    ):
        assert (refused.status_code, refused.json()["code"]) == (409, "conflict")
        assert "enabled" in refused.json()["next_step"]


async def test_deliveries_come_in_pages(bakery: Tenant) -> None:
    place = f"{API}/{(await _registered(bakery))['endpoint']['id']}"
    asked = [(await bakery.client.post(f"{place}/test")).json()["delivery_id"] for _ in range(3)]
    first = (await bakery.client.get(f"{place}/deliveries", params={"limit": 2})).json()
    rest = (await bakery.client.get(f"{place}/deliveries", params={"cursor": first["next_cursor"]})).json()
    assert [one["id"] for one in first["items"] + rest["items"]] == asked[::-1]
    assert rest["next_cursor"] is None


async def test_what_is_not_there_is_not_found(bakery: Tenant) -> None:
    for method, place in (("GET", ""), ("GET", "/deliveries"), ("POST", "/test"), ("DELETE", "")):
        assert (await bakery.client.request(method, f"{API}/{uuid4()}{place}")).status_code == 404
