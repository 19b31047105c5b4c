from datetime import timedelta

import pytest
from sqlalchemy import select, update

from store import organizations
from store.errors import InvalidRequestError
from store.tables import agent_flows, api_keys
from tests.store.conftest import Tenants


async def test_an_api_key_speaks_for_its_organization_and_no_other(tenants: Tenants) -> None:
    bakery, florist = await tenants.organization("Bakery"), await tenants.organization("Florist")
    of = organizations.organization_of_key
    keys = [
        await organizations.create_api_key(tenants.database, tenants.keyed_hash, organization_id=owner, name="till")
        for owner in (bakery, florist)
    ]
    assert [await of(tenants.database, tenants.keyed_hash, key) for key in keys] == [bakery, florist]


@pytest.mark.parametrize("change", ["", "hf_", "hf__", "x_y_z", "hf_{prefix}_wrong", "hf_{prefix}", "hf_é_ü", "{key}x"])
async def test_an_altered_key_speaks_for_nobody(tenants: Tenants, change: str) -> None:
    owner = await tenants.organization()
    key = await organizations.create_api_key(tenants.database, tenants.keyed_hash, organization_id=owner, name="till")
    altered = change.format(prefix=key.split("_")[1], key=key)
    assert await organizations.organization_of_key(tenants.database, tenants.keyed_hash, altered) is None


async def test_a_revoked_key_speaks_for_nobody(tenants: Tenants) -> None:
    owner = await tenants.organization()
    key = await organizations.create_api_key(tenants.database, tenants.keyed_hash, organization_id=owner, name="till")
    async with tenants.database.transaction() as connection:
        await connection.execute(update(api_keys).values(revoked_at=api_keys.c.created_at))
    assert await organizations.organization_of_key(tenants.database, tenants.keyed_hash, key) is None


async def test_the_database_holds_no_api_key_that_could_be_used(tenants: Tenants) -> None:
    owner = await tenants.organization()
    key = await organizations.create_api_key(tenants.database, tenants.keyed_hash, organization_id=owner, name="till")
    async with tenants.database.transaction() as connection:
        row = (await connection.execute(select(api_keys))).one()
    assert key.split("_", 2)[2] not in repr(row)


async def test_an_agents_secret_is_sealed_and_opens_for_its_flow_which_waits_400_ms_by_default(
    tenants: Tenants,
) -> None:
    flow_id = await organizations.create_agent_flow(
        tenants.database,
        tenants.ring,
        organization_id=await tenants.organization(),
        name="remote",
        kind="http",
        url="https://agent.example/turn",
        secret="whsec_c2VjcmV0",
    )
    async with tenants.database.transaction() as connection:
        flow = (await connection.execute(select(agent_flows))).one()
    assert b"c2VjcmV0" not in flow.secret_sealed
    opened = tenants.ring.open(flow.secret_sealed, table="agent_flows", column="secret_sealed", row=flow_id)
    assert (opened, flow.pause_ms) == ("whsec_c2VjcmV0", 400)


async def test_an_instant_agent_waits_for_nobody_who_still_writes_and_another_as_long_as_is_said(
    tenants: Tenants,
) -> None:
    owner = await tenants.organization()
    made = tenants.database, tenants.ring
    await organizations.create_agent_flow(*made, organization_id=owner, name="instant", kind="echo")
    await organizations.create_agent_flow(
        *made, organization_id=owner, name="patient", kind="echo", pause=timedelta(seconds=2)
    )
    async with tenants.database.transaction() as connection:
        found = await connection.execute(select(agent_flows.c.name, agent_flows.c.pause_ms))
        assert {flow.name: flow.pause_ms for flow in found} == {"instant": 0, "patient": 2000}


async def test_an_http_flow_without_url_or_secret_is_refused(tenants: Tenants) -> None:
    owner = await tenants.organization()
    with pytest.raises(InvalidRequestError, match="url and a secret"):
        await organizations.create_agent_flow(
            tenants.database, tenants.ring, organization_id=owner, name="remote", kind="http", url="https://a.example"
        )
