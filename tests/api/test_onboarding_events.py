"""The stream of an onboarding: where it stands, each change, its end, and nobody else's."""

import time
from collections.abc import AsyncIterator
from uuid import UUID, uuid4

import httpx
import orjson

from store.engine import Database
from tests.api.edge import Tenant, tenant
from tests.api.linked import Linked, linked
from tests.api.onboardings import PATH, PIN, waiting
from tests.rows import change


async def _events(response: httpx.Response) -> AsyncIterator[dict[str, str]]:
    """The events of a stream, as a browser reads them; a comment is one with nothing but `comment`."""
    event: dict[str, str] = {}
    async for line in response.aiter_lines():
        if not line:
            yield event
            event = {}
            continue
        name, _, value = line.partition(": ")
        event[name or "comment"] = value


async def test_a_stream_shows_where_it_stands_then_each_change_and_ends_with_it(stage: Linked, shop: Tenant) -> None:
    onboarding_id = await waiting(shop, stage.api, "pin", "register")
    async with shop.client.stream("GET", f"{PATH}/{onboarding_id}/events") as response:
        assert response.headers["content-type"].startswith("text/event-stream")
        events = _events(response)
        first = await anext(events)
        assert first["event"] == "onboarding"
        assert orjson.loads(first["data"])["waiting_for"] == "pin"
        await shop.client.post(f"{PATH}/{onboarding_id}/pin", json={"pin": PIN})
        second = await anext(events)
        assert orjson.loads(second["data"])["waiting_for"] is None
        assert second["id"] > first["id"]
        await change(
            stage.api.database,
            "UPDATE onboardings SET state = 'failed', ended_at = now(), changed_at = clock_timestamp() WHERE id = :id",
            id=UUID(onboarding_id),
        )
        left = [event async for event in events]
    assert [event["event"] for event in left] == ["onboarding", "end"]
    assert orjson.loads(left[0]["data"])["state"] == "failed"


async def test_a_stream_begun_anew_shows_where_things_stand(stage: Linked, shop: Tenant) -> None:
    onboarding_id = await waiting(shop, stage.api, "pin", "register")
    path, ids = f"{PATH}/{onboarding_id}/events", []
    for headers in ({}, {"Last-Event-ID": "2026-11-21T09:00:00+00:00"}, {"Last-Event-ID": "nonsense"}):
        async with shop.client.stream("GET", path, headers=headers) as response:
            first = await anext(_events(response))
            assert orjson.loads(first["data"])["id"] == onboarding_id
            ids.append(first["id"])
    assert len(set(ids)) == 1


async def test_nobody_follows_what_is_not_theirs(stage: Linked, shop: Tenant) -> None:
    answer = await shop.client.get(f"{PATH}/{uuid4()}/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    answer = await stage.api.client.get(f"{PATH}/{shop.onboarding_id}/events")
    assert answer.status_code == 401
    async with tenant(stage.api, digits="15550002") as other:
        answer = await other.client.get(f"{PATH}/{shop.onboarding_id}/events")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_open_streams_do_not_keep_the_process_alive(database: Database, database_url: str) -> None:
    async with httpx.AsyncClient() as viewer:
        async with linked(database, database_url) as stage, tenant(stage.api) as shop:
            onboarding_id = await waiting(shop, stage.api, "pin", "register")
            url, headers = f"{stage.api.url}{PATH}/{onboarding_id}/events", {"Authorization": f"Bearer {shop.key}"}
            response = await viewer.send(viewer.build_request("GET", url, headers=headers), stream=True)
            events = _events(response)
            await anext(events)
            stopped = time.perf_counter()
        assert time.perf_counter() - stopped < 8  # uvicorn itself would wait for ten
        assert [event async for event in events] == []
