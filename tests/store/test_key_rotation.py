import asyncio
import secrets
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import select, text, update

from store import key_rotation, organizations
from store.engine import Database
from store.errors import NotFoundError, SealingError
from store.integrations import connect_number, open_token, replace_token
from store.sealing import KeyRing, new_key, sealed_with
from store.tables import agent_flows, integrations
from tests.rows import KEYED_HASH, RING, SEALING_KEY, connected_number, rows
from tests.store.conftest import Tenants
from tests.store.connecting import by_hand

_OLD, _NEW = f"old:{new_key()}", f"new:{new_key()}"


async def _seal(tenants: Tenants, ring: KeyRing) -> tuple[UUID, str]:
    owner, secret = await tenants.organization(), secrets.token_hex()
    flow = await organizations.create_agent_flow(
        tenants.database, ring, organization_id=owner, name="bot", kind="http", url="https://a.example", secret=secret
    )
    return flow, secret


async def _sealed(tenants: Tenants, flow: UUID) -> bytes:
    async with tenants.database.transaction() as connection:
        query = select(agent_flows.c.secret_sealed).where(agent_flows.c.id == flow)
        sealed: bytes = (await connection.execute(query)).scalar_one()
    return sealed


async def test_after_resealing_the_old_key_is_not_needed(tenants: Tenants) -> None:
    flow, secret = await _seal(tenants, KeyRing.parse([_OLD]))
    assert await key_rotation.reseal(tenants.database, KeyRing.parse([_NEW, _OLD])) == 1
    sealed = await _sealed(tenants, flow)
    assert sealed_with(sealed) == "new"
    assert KeyRing.parse([_NEW]).open(sealed, table="agent_flows", column="secret_sealed", row=flow) == secret


async def test_resealing_again_changes_nothing(tenants: Tenants) -> None:
    flow, _ = await _seal(tenants, KeyRing.parse([_NEW]))
    before = await _sealed(tenants, flow)
    assert await key_rotation.reseal(tenants.database, KeyRing.parse([_NEW, _OLD])) == 0
    assert await _sealed(tenants, flow) == before


async def test_tokens_are_read_without_a_failure_while_they_are_resealed(database: Database, *, chaos: bool) -> None:
    both, new = KeyRing.parse([_NEW, SEALING_KEY]), KeyRing.parse([_NEW])
    number = await connected_number(database)
    tokens = {number.integration_id: "replaced below"}
    query = select(integrations.c.organization_id, integrations.c.agent_flow_id)
    async with database.transaction() as connection:
        owner, flow = (await connection.execute(query)).one()
    for n in range(1000 if chaos else 100):
        integration = await connect_number(
            database,
            RING,
            KEYED_HASH,
            organization_id=owner,
            agent_flow_id=flow,
            waba_id="7700",
            phone_number=f"+4930{n:07}",
            phone_number_id=f"77{n:07}",
            access_token=f"token of {n}",
            verify_token=f"verify {n}",
        )
        tokens[integration] = f"token of {n}"
    await replace_token(
        database,
        RING,
        organization_id=owner,
        integration_id=number.integration_id,
        access_token="replaced below",
    )
    resealed, read = asyncio.Event(), 0

    async def read_all(ring: KeyRing) -> int:
        sealed = select(integrations.c.id, integrations.c.access_token_sealed)
        async with database.transaction() as connection:
            rows = (await connection.execute(sealed)).all()
        assert {row.id: open_token(ring, row.access_token_sealed, row.id) for row in rows} == tokens
        return len(rows)

    async def keep_reading() -> None:
        nonlocal read
        while not resealed.is_set():
            read += await read_all(both)

    async with asyncio.TaskGroup() as readers:
        for _ in range(3):
            readers.create_task(keep_reading())
        assert await key_rotation.reseal(database, both) >= len(tokens)
        resealed.set()
    assert read > len(tokens)
    await read_all(new)


async def test_a_token_that_is_replaced_while_it_is_resealed_stays_replaced(database: Database) -> None:
    number = await connected_number(database)
    both = KeyRing.parse([_NEW, SEALING_KEY])
    place = {"table": "integrations", "column": "access_token_sealed", "row": number.integration_id}
    replaced = both.seal("a newer token", **cast("Any", place))
    waits = text(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    )

    async with database.transaction() as connection:
        await connection.execute(update(integrations).values(access_token_sealed=replaced))
        resealing = asyncio.create_task(key_rotation.reseal(database, both))
        async with asyncio.timeout(10), database.engine.connect() as other:
            while not (await other.execute(waits)).scalar_one():
                await other.rollback()  # what is shown of activities stands still within a transaction
                await asyncio.sleep(0.01)
    await resealing

    async with database.transaction() as connection:
        sealed = (await connection.execute(select(integrations.c.access_token_sealed))).scalar_one()
    assert open_token(both, sealed, number.integration_id) == "a newer token"


async def test_resealing_without_the_old_key_says_which_one_is_missing(tenants: Tenants) -> None:
    await _seal(tenants, KeyRing.parse([_OLD]))
    with pytest.raises(SealingError, match="old"):
        await key_rotation.reseal(tenants.database, KeyRing.parse([_NEW]))


def test_every_sealed_column_is_resealed() -> None:
    assert {f"{column.table.name}.{column.name}" for column in key_rotation.SEALED_COLUMNS} == {
        "agent_flows.secret_sealed",
        "event_endpoints.secret_sealed",
        "integrations.access_token_sealed",
        "integrations.pin_sealed",
        "integrations.verify_token_sealed",
        "onboardings.code_sealed",
        "onboardings.pin_sealed",
        "onboardings.token_sealed",
        "onboardings.verify_token_sealed",
        "wabas.unsubscribe_token_sealed",
    }


async def test_a_revoked_api_key_opens_nothing_any_more(tenants: Tenants) -> None:
    owner = await tenants.organization()
    key = await organizations.create_api_key(tenants.database, tenants.keyed_hash, organization_id=owner, name="till")
    await key_rotation.revoke_api_key(tenants.database, key.split("_")[1])
    assert await organizations.organization_of_key(tenants.database, tenants.keyed_hash, key) is None


async def test_a_prefix_that_no_key_has_is_not_found(tenants: Tenants) -> None:
    with pytest.raises(NotFoundError):
        await key_rotation.revoke_api_key(tenants.database, "nobody")


async def test_the_secrets_of_onboardings_move_to_the_rings_new_key(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await by_hand(tenants, owner, verify_token="chosen")
    old = tenants.ring
    both = KeyRing.parse([f"new:{new_key()}"])
    both = KeyRing(both.sealing_key_id, {**both.keys, **old.keys})
    assert await key_rotation.reseal(tenants.database, both) == 2
    (row,) = await rows(tenants.database, "SELECT * FROM onboardings")
    alone = KeyRing(both.sealing_key_id, {both.sealing_key_id: both.keys[both.sealing_key_id]})
    assert alone.open(row.token_sealed, table="onboardings", column="token_sealed", row=onboarding_id) == "EAAhanded"
