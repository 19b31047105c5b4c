"""Checks over HTTP: asked for, refused in words without Temporal, and what they found."""

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from store import findings
from store.engine import Database
from store.findings import Found, Owner
from tests.api.edge import Edge, Tenant, edge, settings_for, tenant
from tests.rows import change, row
from workflows.client import LaterError

API = "/api/v1/channels/whatsapp/integrations"


class Schedules:
    """Temporal's Schedules, as a test sees them."""

    def __init__(self) -> None:
        self.there: dict[str, timedelta] = {}
        self.triggered: list[str] = []
        self.away = False

    async def ensure(self, integration_id: str, _: str, *, every: timedelta) -> None:
        self.there[integration_id] = every

    async def remove(self, integration_id: str) -> None:
        if self.away:
            raise LaterError
        self.there.pop(integration_id, None)

    async def trigger(self, integration_id: str) -> bool:
        if self.away:
            raise LaterError
        if integration_id not in self.there:
            return False
        self.triggered.append(integration_id)
        return True


@pytest.fixture
def schedules() -> Schedules:
    return Schedules()


@pytest.fixture
async def owner(database: Database, database_url: str, schedules: Schedules) -> AsyncIterator[Tenant]:
    async with edge(database, settings_for(database_url), schedules=schedules) as serving, tenant(serving) as made:
        yield made


def _place(owner: Tenant) -> str:
    return f"{API}/{owner.number.integration_id}"


async def test_a_check_begins_at_once(owner: Tenant, schedules: Schedules) -> None:
    integration_id = str(owner.number.integration_id)
    schedules.there[integration_id] = timedelta(hours=24)
    answer = await owner.client.post(f"{_place(owner)}/check")
    assert (answer.status_code, answer.json()["integration_id"]) == (202, integration_id)
    assert schedules.triggered == [integration_id]


@pytest.mark.parametrize(("state", "every"), [("live", timedelta(hours=24)), ("held", timedelta(minutes=15))])
async def test_a_schedule_that_is_gone_is_made_anew_first(
    owner: Tenant, schedules: Schedules, database: Database, state: str, every: timedelta
) -> None:
    await change(database, "UPDATE integrations SET state = :state", state=state)
    assert (await owner.client.post(f"{_place(owner)}/check")).status_code == 202
    assert schedules.there == {str(owner.number.integration_id): every}
    assert len(schedules.triggered) == 1


async def test_without_temporal_a_check_is_refused_in_words(
    owner: Tenant, schedules: Schedules, bakery: Tenant
) -> None:
    schedules.away = True
    for answer in (
        await owner.client.post(f"{_place(owner)}/check"),
        await bakery.client.post(f"{_place(bakery)}/check"),  # of an API that has no way to Temporal at all
    ):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert "Temporal" in answer.json()["detail"]


@pytest.fixture
async def bakery(api: Edge) -> AsyncIterator[Tenant]:
    async with tenant(api, digits="15550009", wa_id="491700000009") as made:
        yield made


@pytest.mark.parametrize(("state", "status"), [("connecting", 409), ("disconnected", 404)])
async def test_a_number_that_is_not_connected_is_not_checked(
    owner: Tenant, schedules: Schedules, database: Database, state: str, status: int
) -> None:
    await change(database, "UPDATE integrations SET state = :state", state=state)
    assert (await owner.client.post(f"{_place(owner)}/check")).status_code == status
    assert (await owner.client.post(f"{API}/{uuid4()}/check")).status_code == 404
    assert schedules.triggered == []


async def _found(database: Database, owner: Tenant, **fields: Any) -> None:
    about = Owner(owner.number.integration_id, owner.organization_id)
    found = {"subject": "quality", "code": "quality_low", "severity": "warning", "says": "RED.", "next_step": "Write."}
    async with database.transaction() as connection:
        await findings.see(connection, about, Found(**(found | fields)))


async def test_findings_are_listed_the_newest_first_and_the_open_ones_alone(owner: Tenant, database: Database) -> None:
    await _found(database, owner)
    await _found(database, owner, subject="expiry", code="token_renewed", severity="notice", repaired=True)
    every = (await owner.client.get(f"{_place(owner)}/findings")).json()["items"]
    assert [one["code"] for one in every] == ["token_renewed", "quality_low"]
    assert every[0]["repaired_at"]
    (still,) = (await owner.client.get(f"{_place(owner)}/findings", params={"open": True})).json()["items"]
    assert (still["code"], still["says"], still["next_step"], still["cleared_at"]) == (
        "quality_low",
        "RED.",
        "Write.",
        None,
    )
    assert (await owner.client.get(f"{API}/{uuid4()}/findings")).status_code == 404


async def test_the_status_names_open_warnings_and_errors(owner: Tenant, database: Database) -> None:
    await _found(database, owner)
    await _found(database, owner, subject="token", code="token_invalid", severity="error", says="It is dead.")
    await _found(database, owner, subject="expiry", code="token_expires", severity="notice", says="It ends.")
    (status,) = (await owner.client.get("/api/v1/whatsapp/status")).json()
    assert [problem["code"] for problem in status["problems"]] == ["token_invalid", "quality_low"]
    assert status["in_words"] == "Connected. It is dead. Write. RED. Write."


async def test_a_deleted_numbers_schedule_goes_with_it_and_is_left_to_intake_while_temporal_is_away(
    owner: Tenant, schedules: Schedules, database: Database
) -> None:
    integration_id = str(owner.number.integration_id)
    schedules.there[integration_id] = timedelta(hours=24)
    schedules.away = True
    assert (await owner.client.delete(_place(owner))).status_code == 200
    assert (await row(database, "integrations", owner.number.integration_id)).check_due_at is not None
    schedules.away = False
    assert (await owner.client.delete(_place(owner))).status_code == 200
    assert schedules.there == {}
    assert (await row(database, "integrations", owner.number.integration_id)).check_due_at is None
