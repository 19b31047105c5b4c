import asyncio
from uuid import UUID

import pytest
from sqlalchemy import insert, select

from store import integrations
from store.errors import ConflictError, NotFoundError
from store.ids import new_id
from store.reading.integrations import read_integration
from store.tables import contacts, conversations, messages, rate_slots, wabas
from store.tables import integrations as rows
from tests.store.conftest import Tenants


async def set_state(
    tenants: Tenants, owner: UUID, number: UUID, state: integrations.IntegrationState, reason: str | None = None
) -> None:
    await integrations.set_state(
        tenants.database, organization_id=owner, integration_id=number, state=state, reason=reason
    )


async def replace_token(tenants: Tenants, owner: UUID, number: UUID) -> None:
    await integrations.replace_token(
        tenants.database, tenants.ring, organization_id=owner, integration_id=number, access_token="EAAfresh"
    )


async def switch(tenants: Tenants, owner: UUID, number: UUID, *, enabled: bool) -> None:
    await integrations.set_enabled(tenants.database, organization_id=owner, integration_id=number, enabled=enabled)


async def matches(tenants: Tenants, token: str) -> bool:
    return await integrations.verify_token_matches(tenants.database, tenants.keyed_hash, token)


async def test_a_connected_number_has_a_rate_and_a_token_that_only_the_ring_reads(tenants: Tenants) -> None:
    integration_id = await tenants.number(await tenants.organization(), access_token="EAAsecret123")
    async with tenants.database.transaction() as connection:
        row = (await connection.execute(select(rows))).one()
        slot = (await connection.execute(select(rate_slots))).one()
    assert (slot.integration_id, slot.per_second, row.state, row.enabled) == (integration_id, 80, "live", True)
    assert b"EAAsecret123" not in row.access_token_sealed
    opened = tenants.ring.open(
        row.access_token_sealed, table="integrations", column="access_token_sealed", row=integration_id
    )
    assert opened == "EAAsecret123"


async def test_one_number_is_connected_once_even_when_tried_ten_times_at_once(tenants: Tenants) -> None:
    owner = await tenants.organization()
    flow = await tenants.agent_flow(owner)
    tries = [tenants.number(owner, agent_flow_id=flow, phone_number_id="42") for _ in range(10)]
    outcomes = await asyncio.gather(*tries, return_exceptions=True)
    assert sum(isinstance(outcome, UUID) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, ConflictError) for outcome in outcomes) == 9


async def test_a_disconnected_number_may_be_connected_elsewhere(tenants: Tenants) -> None:
    bakery, florist = await tenants.organization(), await tenants.organization()
    old = await tenants.number(bakery, phone_number_id="42")
    with pytest.raises(ConflictError):
        await tenants.number(florist, phone_number_id="42")
    await set_state(tenants, bakery, old, "disconnected", "moved")
    assert await tenants.number(florist, phone_number_id="42") != old


async def test_two_numbers_of_one_waba_share_its_row(tenants: Tenants) -> None:
    owner = await tenants.organization()
    await tenants.number(owner)
    await tenants.number(owner)
    async with tenants.database.transaction() as connection:
        assert len((await connection.execute(select(wabas))).all()) == 1


async def test_another_organizations_agent_flow_cannot_be_used(tenants: Tenants) -> None:
    foreign = await tenants.agent_flow(await tenants.organization())
    with pytest.raises(NotFoundError):
        await tenants.number(await tenants.organization(), agent_flow_id=foreign)


@pytest.mark.parametrize(
    ("state", "enabled", "answers"),
    [("connecting", False, True), ("live", True, True), ("live", False, False), ("disconnected", True, False)],
)
async def test_a_verify_token_matches_while_its_number_is_connecting_or_enabled(
    tenants: Tenants, state: integrations.IntegrationState, *, enabled: bool, answers: bool
) -> None:
    owner = await tenants.organization()
    number = await tenants.number(owner, verify_token="mine", state=state)
    await switch(tenants, owner, number, enabled=enabled)
    assert await matches(tenants, "mine") is answers
    assert await matches(tenants, "another") is False


async def test_nobody_switches_another_organizations_number(tenants: Tenants) -> None:
    number = await tenants.number(await tenants.organization())
    stranger = await tenants.organization()
    with pytest.raises(NotFoundError):
        await switch(tenants, stranger, number, enabled=False)
    with pytest.raises(NotFoundError):
        await set_state(tenants, stranger, number, "disconnected")
    with pytest.raises(NotFoundError):
        await replace_token(tenants, stranger, number)


async def waiting_message(tenants: Tenants, owner: UUID, number: UUID) -> UUID:
    contact, conversation = new_id(), new_id()
    async with tenants.database.transaction() as connection:
        await connection.execute(insert(contacts).values(id=contact, organization_id=owner))
        await connection.execute(
            insert(conversations).values(
                id=conversation, organization_id=owner, integration_id=number, contact_id=contact
            )
        )
        await connection.execute(
            insert(messages).values(
                id=new_id(),
                organization_id=owner,
                integration_id=number,
                conversation_id=conversation,
                direction="out",
                author="api",
                type="text",
                content={},
                state="queued",
            )
        )
    return conversation


async def due(tenants: Tenants) -> set[UUID]:
    async with tenants.database.transaction() as connection:
        query = select(conversations.c.id).where(conversations.c.due_at.is_not(None))
        return set((await connection.execute(query)).scalars())


async def test_what_waits_for_a_held_number_is_due_once_a_new_token_releases_it(tenants: Tenants) -> None:
    owner = await tenants.organization()
    number = await tenants.number(owner, access_token="EAAdead")
    conversation = await waiting_message(tenants, owner, number)
    await set_state(tenants, owner, number, "held", "the token is dead")
    assert await due(tenants) == set()
    await replace_token(tenants, owner, number)
    assert await due(tenants) == {conversation}
    async with tenants.database.transaction() as connection:
        row = (await connection.execute(select(rows))).one()
    assert (row.state, row.state_reason) == ("live", None)


async def test_a_new_token_does_not_release_a_number_that_meta_stopped(tenants: Tenants) -> None:
    owner = await tenants.organization()
    number = await tenants.number(owner)
    await waiting_message(tenants, owner, number)
    await set_state(tenants, owner, number, "stopped", "restricted")
    await replace_token(tenants, owner, number)
    async with tenants.database.transaction() as connection:
        row = (await connection.execute(select(rows))).one()
    assert (row.state, row.state_reason) == ("stopped", "restricted")
    assert await due(tenants) == set()


async def test_a_number_switched_on_again_has_its_waiting_conversations_looked_at(tenants: Tenants) -> None:
    owner = await tenants.organization()
    number = await tenants.number(owner)
    conversation = await waiting_message(tenants, owner, number)
    await switch(tenants, owner, number, enabled=False)
    assert await due(tenants) == set()
    await switch(tenants, owner, number, enabled=True)
    assert await due(tenants) == {conversation}


async def test_a_connection_that_has_connected_many_numbers_connects_one_more(tenants: Tenants) -> None:
    owner = await tenants.organization()
    flow = await tenants.agent_flow(owner)
    for _ in range(8):
        await tenants.number(owner, agent_flow_id=flow)


async def test_a_changed_integration_knows_its_new_verify_token_and_shows_four_characters_of_its_token(
    tenants: Tenants,
) -> None:
    owner = await tenants.organization()
    number = await tenants.number(owner, access_token="EAAsecret1234", verify_token="old")
    flow = await tenants.agent_flow(owner)
    await integrations.update_integration(
        tenants.database,
        tenants.ring,
        tenants.keyed_hash,
        organization_id=owner,
        integration_id=number,
        enabled=False,
        agent_flow_id=flow,
        verify_token="new",
        unknown_policy="resend",
    )
    shown = await read_integration(tenants.database, owner, number)
    assert (shown.enabled, shown.agent_flow_id, shown.unknown_policy) == (False, flow, "resend")
    assert shown.token is not None
    assert shown.token.last4 == "1234"
    assert "secret" not in repr(shown)
    await integrations.update_integration(
        tenants.database, tenants.ring, tenants.keyed_hash, organization_id=owner, integration_id=number, enabled=True
    )
    assert await integrations.verify_token_matches(tenants.database, tenants.keyed_hash, "new")
    assert not await integrations.verify_token_matches(tenants.database, tenants.keyed_hash, "old")
    foreign = await tenants.agent_flow(await tenants.organization())
    with pytest.raises(NotFoundError):
        await integrations.update_integration(
            tenants.database,
            tenants.ring,
            tenants.keyed_hash,
            organization_id=owner,
            integration_id=number,
            agent_flow_id=foreign,
        )
