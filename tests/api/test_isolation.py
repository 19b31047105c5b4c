"""No organization sees or touches anything of another, on any route that OpenAPI lists, new ones included."""

from typing import Any

import httpx
import pytest
from sqlalchemy import text

from store.engine import Database
from tests.api.edge import Edge, Tenant
from tests.api.every_route import OPERATIONS, Body, bodies, own_id, place_of, secrets
from tests.api.giving import received
from tests.rows import change, queued
from tests.templates import at_meta, synced

_OWN = {
    "/api/v1/agent-flows": 201,
    "/api/v1/event-endpoints": 201,
    "/api/v1/whatsapp/media": 201,
    "/api/v1/whatsapp/contacts/consent": 200,
}
"""What a stranger may make with these requests is the stranger's own, and how that is answered."""


async def _call(client: httpx.AsyncClient, method: str, path: str, body: Body) -> httpx.Response:
    if isinstance(body, bytes):
        return await client.request(method, path, content=body, headers={"Content-Type": "application/pdf"})
    return await client.request(method, path, json=body)


async def _record(database: Database, owner: Tenant) -> list[tuple[Any, ...]]:
    """Everything that a request could have changed."""
    async with database.engine.connect() as connection:
        conversations = await connection.execute(
            text("SELECT id, in_charge, due_at, last_message_at FROM conversations ORDER BY id")
        )
        messages = await connection.execute(text("SELECT id, state FROM messages ORDER BY id"))
        numbers = await connection.execute(
            text(
                "SELECT id, state, enabled, agent_flow_id, access_token_sealed, unknown_policy, stop_words, "
                "files_in_order FROM integrations ORDER BY id"
            )
        )
        onboardings = await connection.execute(text("SELECT id, changed_at, due_at FROM onboardings ORDER BY id"))
        states = await connection.execute(text("SELECT state_hash FROM oauth_states"))
        contacts = await connection.execute(
            text("SELECT id, marketing_told_at FROM contacts WHERE organization_id = :owner ORDER BY id"),
            {"owner": owner.organization_id},
        )
        return [tuple(found) for found in (*conversations, *messages, *numbers, *onboardings, *states, *contacts)]


async def _befill(api: Edge, owner: Tenant, stranger: Tenant) -> None:
    """A row in every table that a list reads; the webhook carried items of both."""
    await change(
        api.database,
        "UPDATE onboardings SET state = 'cancelled', ended_at = now() WHERE id = :id",
        id=owner.onboarding_id,
    )
    await change(
        api.database,
        "INSERT INTO contact_identities (id, organization_id, contact_id, kind, value) "
        "VALUES (gen_random_uuid(), :organization, :contact, 'bsuid', 'DE.15550001')",
        organization=owner.organization_id,
        contact=owner.contact_id,
    )
    await change(
        api.database,
        "WITH event AS (INSERT INTO webhook_events (body, received_at) "
        "VALUES ('secret of 15550001', now()) RETURNING id) "
        "INSERT INTO webhook_event_organizations (organization_id, webhook_event_id, parked) "
        "SELECT organization, id, 1 FROM event, unnest(CAST(:organizations AS uuid[])) AS organization",
        organizations=[owner.organization_id, stranger.organization_id],
    )
    await change(
        api.database,
        "INSERT INTO webhook_items (webhook_event_id, place, kind, outcome, reason, phone_number_id, organization_id) "
        "SELECT id, 0, 'message', 'parked', 'secret of 15550001', :number, :organization FROM webhook_events",
        number=owner.number.phone_number_id,
        organization=owner.organization_id,
    )
    await queued(api.database, owner.number, owner.conversation_id, id=own_id(owner), state="unknown", attempt=1)
    await _befill_events(api, owner)
    secret = f"secret of {owner.number.phone_number_id.removeprefix('99')}".encode()
    await received(api, owner, secret, id=own_id(owner), filename="secret of 15550001.txt")
    await synced(api.database, owner.number, at_meta())
    await change(api.database, "UPDATE templates SET id = :id", id=own_id(owner))


async def _befill_events(api: Edge, owner: Tenant) -> None:
    await change(
        api.database,
        "INSERT INTO findings (id, organization_id, integration_id, subject, code, severity, says, next_step, "
        "first_seen_at, last_seen_at) VALUES (gen_random_uuid(), :organization, :integration, 'quality', "
        "'quality_low', 'warning', 'secret of 15550001', '', now(), now())",
        organization=owner.organization_id,
        integration=owner.number.integration_id,
    )
    await change(
        api.database,
        "WITH event AS (INSERT INTO events (id, organization_id, type, data) "
        "VALUES (:id, :id, 'test', '{}'::jsonb) RETURNING id), "
        "endpoint AS (INSERT INTO event_endpoints (id, organization_id, url, secret_sealed) "
        "VALUES (:id, :id, 'https://bakery.example.com', '') RETURNING id) "
        "INSERT INTO event_deliveries (id, organization_id, event_id, endpoint_id, state) "
        "SELECT :id, :id, event.id, endpoint.id, 'failed' FROM event, endpoint",
        id=own_id(owner),
    )


def test_there_are_routes_to_try() -> None:
    assert len(OPERATIONS) >= 9


@pytest.mark.parametrize(("method", "path"), OPERATIONS)
async def test_another_organization_sees_and_changes_nothing(
    api: Edge, bakery: Tenant, florist: Tenant, method: str, path: str
) -> None:
    await _befill(api, bakery, florist)
    before = await _record(api.database, bakery)
    for body in bodies(method, path, bakery):
        place = place_of(path, bakery)
        answer = await _call(florist.client, method, place, body)
        foreign = "{" in path or body or "?" in place
        assert answer.status_code == (_OWN[path] if body and path in _OWN else 404 if foreign else 200)
        assert [secret for secret in secrets(bakery) if secret in answer.text] == []
    assert await _record(api.database, bakery) == before


_ELSEWHERE = ("/authorize", "/profile")
"""Leads to Meta, and is read from Meta: tests/api/test_profile.py shows it to its owner."""
SHOWN = [(method, path) for method, path in OPERATIONS if method == "get" and not path.endswith(_ELSEWHERE)]


@pytest.mark.parametrize(("method", "path"), SHOWN)
async def test_the_owner_sees_it(api: Edge, bakery: Tenant, florist: Tenant, method: str, path: str) -> None:
    """What shows nothing to anybody would be isolated too."""
    await _befill(api, bakery, florist)
    answer = await _call(bakery.client, method, place_of(path, bakery), None)
    assert answer.status_code == 200
    assert any(secret in answer.text for secret in secrets(bakery))
    assert [secret for secret in (str(florist.conversation_id), florist.wa_id) if secret in answer.text] == []


@pytest.mark.parametrize("authorization", [None, "", "Basic YTpi", "Bearer", "Bearer hf_abc_def", "Bearer é"])
async def test_no_route_shows_anything_without_a_good_key(api: Edge, bakery: Tenant, authorization: str | None) -> None:
    headers = [] if authorization is None else [(b"authorization", authorization.encode())]
    for method, path in OPERATIONS:
        answer = await api.client.send(api.client.build_request(method, place_of(path, bakery), headers=headers))
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), path
        assert answer.headers["www-authenticate"] == "Bearer"


async def test_a_revoked_key_works_for_ten_seconds_at_most(api: Edge, bakery: Tenant) -> None:
    from api import auth

    await change(
        api.database, "UPDATE api_keys SET revoked_at = now() WHERE organization_id = :id", id=bakery.organization_id
    )
    assert auth._REMEMBERED_SECONDS <= 10
    assert (await bakery.client.get("/api/v1/whatsapp/contacts")).status_code == 401
