"""Pages: every row once, in order, whatever comes or goes meanwhile."""

import base64
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from store.errors import InvalidRequestError
from store.paging import Keyset
from store.tables import conversations, webhook_events
from tests.api.edge import Edge, Tenant, talk
from tests.rows import change

API = "/api/v1/whatsapp"


async def _page(owner: Tenant, path: str, **query: Any) -> tuple[list[str], str | None]:
    answer = await owner.client.get(path, params={name: value for name, value in query.items() if value is not None})
    assert answer.status_code == 200
    found = answer.json()
    return [item["id"] for item in found["items"]], found["next_cursor"]


async def _all(owner: Tenant, path: str, limit: int) -> list[str]:
    seen, cursor = await _page(owner, path, limit=limit)
    while cursor is not None:
        more, cursor = await _page(owner, path, limit=limit, cursor=cursor)
        assert more
        seen += more
    return seen


async def _people(api: Edge, owner: Tenant, count: int) -> list[str]:
    """Conversations of which several have their latest message at the same instant; in the order of the list."""
    made = [(datetime.now(UTC), owner.conversation_id)]
    await change(api.database, "UPDATE conversations SET last_message_at = :at", at=made[0][0])
    for number in range(count - 1):
        latest = datetime(2026, 1, 1, microsecond=number // 3, tzinfo=UTC)
        made.append((latest, await talk(api.database, owner.number, wa_id=f"4930{number:04d}", latest=latest)))
    return [str(conversation_id) for _, conversation_id in sorted(made, reverse=True)]


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 19, 20, 21, 200])
async def test_pages_of_any_size_give_each_row_once_and_in_order(api: Edge, bakery: Tenant, limit: int) -> None:
    expected = await _people(api, bakery, 20)
    assert await _all(bakery, f"{API}/conversations", limit) == expected
    contacts = await _all(bakery, f"{API}/contacts", limit)
    assert contacts == sorted(contacts, reverse=True)
    assert len(set(contacts)) == 20


async def test_what_comes_and_goes_meanwhile_makes_no_other_row_be_missed_or_repeated(
    api: Edge, bakery: Tenant
) -> None:
    expected = await _people(api, bakery, 12)
    seen, cursor = await _page(bakery, f"{API}/conversations", limit=3)
    await talk(api.database, bakery.number, wa_id="4940")
    await change(api.database, "DELETE FROM conversations WHERE id = :id", id=UUID(expected[2]))
    await change(api.database, "DELETE FROM conversations WHERE id = :id", id=UUID(expected[5]))
    while cursor is not None:
        more, cursor = await _page(bakery, f"{API}/conversations", limit=3, cursor=cursor)
        seen += more
    assert seen == [*expected[:5], *expected[6:]]


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "99999999999999999999"])
async def test_a_page_has_1_to_200_rows(bakery: Tenant, limit: str) -> None:
    assert (await bakery.client.get(f"{API}/contacts", params={"limit": limit})).status_code == 422


async def test_a_cursor_belongs_to_its_list(api: Edge, bakery: Tenant) -> None:
    await _people(api, bakery, 3)
    _, cursor = await _page(bakery, f"{API}/conversations", limit=1)
    answer = await bakery.client.get(f"{API}/contacts", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")


def _cursor(value: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


_UUID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a01"
BENT = [
    *("", "x", "%%%", "é", "a" * 400, "AAAA"),
    *map(_cursor, ({}, [], None, 7, ["conversations"], ["conversations", 1], [["conversations"]])),
    _cursor(["conversations", _UUID, _UUID]),
    _cursor(["conversations", 1, 1]),
    _cursor(["conversations", -1, _UUID]),
    _cursor(["conversations", 2**63, _UUID]),
    _cursor(["conversations", 2**60, _UUID]),
    _cursor(["conversations", 1.5, _UUID]),
    _cursor(["conversations", True, _UUID]),
    _cursor(["conversations", 1, _UUID, 1]),
    _cursor(["conversations", 1, "\x00"]),
]


@pytest.mark.parametrize("cursor", BENT)
async def test_a_bent_cursor_is_refused_by_name(bakery: Tenant, cursor: str) -> None:
    answer = await bakery.client.get(f"{API}/conversations", params={"cursor": cursor})
    assert (answer.status_code, "cursor" in answer.json()["detail"]) == (422, True)


@settings(max_examples=300, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=60).map(lambda raw: base64.urlsafe_b64encode(raw).decode()) | st.text(max_size=60))
def test_no_text_makes_a_cursor_raise_anything_but_its_own_error(cursor: str) -> None:
    for order in (
        Keyset("conversations", conversations.c.last_message_at, conversations.c.id),
        Keyset("events", webhook_events.c.id),
    ):
        with pytest.raises(InvalidRequestError):
            order._decode(cursor)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2500, 1, 1), timezones=st.just(UTC)), st.uuids())  # noqa: DTZ001 - hypothesis wants naive bounds
def test_a_cursor_keeps_its_place_to_the_microsecond(at: datetime, row_id: UUID) -> None:
    order = Keyset("conversations", conversations.c.last_message_at, conversations.c.id)
    row: Any = {conversations.c.last_message_at: at, conversations.c.id: row_id}
    assert order._decode(order._encode(row)) == [at, row_id]
    assert timedelta(0) == at - at.astimezone(UTC)
