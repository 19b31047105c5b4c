"""The end of a connected number: what waited ends in words, nothing goes on, and the audit log says who did it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import insert

from store.audit import By
from store.disconnecting import delete_integration, is_waba_used
from store.engine import Database
from store.errors import NotFoundError
from store.ids import new_id
from store.paging import PageRequest
from store.reading.integrations import list_integrations
from store.tables import turns
from tests.rows import RING, Number, connected_number, conversation, queued, received, row, rows
from tests.store.conftest import Tenants

REASON = "The shop has closed."


async def _delete(database: Database, number: Number, actor: By) -> None:
    await delete_integration(
        database,
        RING,
        organization_id=number.organization_id,
        integration_id=number.integration_id,
        actor=actor,
        reason=REASON,
    )


async def _asking(database: Database, number: Number, conversation_id: Any) -> Any:
    """A turn whose agent is being asked."""
    turn_id = new_id()
    values = {"organization_id": number.organization_id, "agent_flow_id": number.agent_flow_id, "turn_no": 1}
    values |= {"conversation_id": conversation_id, "state": "asking", "began_at": datetime.now(UTC)}
    async with database.transaction() as connection:
        await connection.execute(insert(turns).values(id=turn_id, **values))
    return turn_id


async def test_what_waits_ends_and_an_agents_answer_that_is_still_to_come_is_discarded(database: Database) -> None:
    number, other = await connected_number(database), await connected_number(database, digits="15550002")
    here, there = await conversation(database, number), await conversation(database, other)
    ours, theirs = await queued(database, number, here, hold="token"), await received(database, number, here)
    asking = await _asking(database, number, here)
    elsewhere = [await queued(database, other, there), await received(database, other, there)]
    await _delete(database, number, By())
    cancelled = await row(database, "messages", ours)
    assert (cancelled.state, cancelled.reason, cancelled.hold) == ("cancelled", REASON, None)
    kept = await row(database, "messages", theirs)
    assert (kept.state, kept.kept_reason) == ("kept", REASON)
    turn = await row(database, "turns", asking)
    assert (turn.state, turn.error_detail) == ("discarded", REASON)
    assert turn.ended_at is not None
    assert [(await row(database, "messages", one)).state for one in elsewhere] == ["queued", "received"]


async def test_who_disconnected_a_number_and_why_is_in_the_audit_log_once(database: Database) -> None:
    number, person = await connected_number(database), new_id()
    for _ in range(2):
        await _delete(database, number, By("person", person))
    (noted,) = await rows(database, "SELECT * FROM audit_log")
    assert (noted.action, noted.subject_id) == ("integration.disconnected", number.integration_id)
    assert (noted.actor, noted.actor_id, noted.detail) == ("person", person, {"reason": REASON})
    assert noted.organization_id == number.organization_id


async def test_a_deleted_number_leaves_its_record_no_secret_and_is_free_for_another_organization(
    tenants: Tenants,
) -> None:
    owner, florist = await tenants.organization(), await tenants.organization()
    number = await tenants.number(owner, phone_number_id="42")
    other = await tenants.number(owner, phone_number_id="43")
    gone = await delete_integration(tenants.database, tenants.ring, organization_id=owner, integration_id=number)
    assert gone.waba_used
    shown = await list_integrations(tenants.database, owner, PageRequest())
    assert [one.id for one in shown.items] == [other]
    shown = await list_integrations(tenants.database, owner, PageRequest(), disconnected=True)
    assert [(one.state, one.token) for one in shown.items if one.id == number] == [("disconnected", None)]
    (kept,) = await rows(tenants.database, "SELECT * FROM integrations WHERE phone_number_id = '42'")
    assert [kept.access_token_sealed, kept.verify_token_sealed, kept.verify_token_hash, kept.pin_sealed] == [None] * 4
    assert await tenants.number(florist, phone_number_id="42")
    await delete_integration(tenants.database, tenants.ring, organization_id=owner, integration_id=number)
    with pytest.raises(NotFoundError):
        await delete_integration(tenants.database, tenants.ring, organization_id=florist, integration_id=other)
    assert await is_waba_used(tenants.database, "1001", besides=other)
