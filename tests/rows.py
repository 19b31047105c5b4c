"""Rows to begin a test with: an organization with a connected number, a conversation, messages in it."""

import asyncio
import base64
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import insert, text

from store import integrations, organizations
from store.engine import Database
from store.hashing import KeyedHash
from store.ids import new_id
from store.sealing import KeyRing
from store.tables import contact_identities, contacts, conversations, messages

SEALING_KEY = "k1:" + base64.b64encode(bytes(range(32))).decode()
HASH_KEY = bytes(range(32, 64))
AGENT_SECRET = "whsec_" + base64.b64encode(bytes(range(24))).decode()
RING = KeyRing.parse([SEALING_KEY])
KEYED_HASH = KeyedHash(HASH_KEY)


@dataclass(frozen=True, slots=True)
class Number:
    """A connected number and what belongs to it."""

    organization_id: UUID
    agent_flow_id: UUID
    integration_id: UUID
    waba_id: str
    phone_number_id: str
    phone_number: str
    token: str


async def connected_number(
    database: Database,
    *,
    digits: str = "15550001",
    kind: Literal["echo", "http"] = "echo",
    url: str | None = None,
    pause: timedelta = timedelta(0),
    per_second: int = 1000,
    **options: Any,
) -> Number:
    """An organization of its own with a live number; `digits` makes all its ids."""
    organization_id = await organizations.create_organization(database, f"Organization {digits}")
    agent_flow_id = await organizations.create_agent_flow(
        database,
        RING,
        organization_id=organization_id,
        name=kind,
        kind=kind,
        url=url,
        secret=AGENT_SECRET if kind == "http" else None,
        pause=pause,
    )
    integration_id = await integrations.connect_number(
        database,
        RING,
        KEYED_HASH,
        organization_id=organization_id,
        agent_flow_id=agent_flow_id,
        waba_id=f"77{digits}",
        phone_number=f"+{digits}",
        phone_number_id=f"99{digits}",
        access_token=f"token-of-{digits}",
        verify_token=f"verify-{digits}",
        per_second=per_second,
        **options,
    )
    return Number(
        organization_id,
        agent_flow_id,
        integration_id,
        f"77{digits}",
        f"99{digits}",
        f"+{digits}",
        f"token-of-{digits}",
    )


async def conversation(
    database: Database, number: Number, *, wa_id: str = "491700000001", opened: timedelta | None = timedelta(0)
) -> UUID:
    """A conversation with a contact; its window was opened `opened` ago (None: never)."""
    contact_id, conversation_id = new_id(), new_id()
    owner = {"organization_id": number.organization_id}
    async with database.transaction() as connection:
        await connection.execute(insert(contacts).values(id=contact_id, profile_name="Ada", **owner))
        await connection.execute(
            insert(contact_identities).values(id=new_id(), contact_id=contact_id, kind="wa_id", value=wa_id, **owner)
        )
        await connection.execute(
            insert(conversations).values(
                id=conversation_id,
                integration_id=number.integration_id,
                contact_id=contact_id,
                window_opened_at=None if opened is None else datetime.now(UTC) - opened,
                **owner,
            )
        )
    return conversation_id


async def received(database: Database, number: Number, conversation_id: UUID, said: str = "hello") -> UUID:
    """A message of the customer that waits for a turn."""
    message_id = new_id()
    async with database.transaction() as connection:
        await connection.execute(
            insert(messages).values(
                id=message_id,
                organization_id=number.organization_id,
                integration_id=number.integration_id,
                conversation_id=conversation_id,
                direction="in",
                author="customer",
                wamid=f"wamid.in.{message_id}",
                type="text",
                content={"text": {"body": said}},
                state="received",
                meta_timestamp=datetime.now(UTC),
                webhook_event_id=1,
                place=0,
            )
        )
    return message_id


async def queued(
    database: Database, number: Number, conversation_id: UUID, said: str = "hello", **columns: Any
) -> UUID:
    """A message of ours that may leave."""
    message_id = new_id()
    values = {
        "id": message_id,
        "organization_id": number.organization_id,
        "integration_id": number.integration_id,
        "conversation_id": conversation_id,
        "direction": "out",
        "author": "api",
        "type": "text",
        "content": {"text": {"body": said}},
        "state": "queued",
        "queue_no": text("nextval('message_queue_no_seq')"),
    }
    async with database.transaction() as connection:
        await connection.execute(insert(messages).values(values | columns))
    return message_id


async def row(database: Database, table: str, row_id: UUID) -> Any:
    """One row of a table by its id."""
    async with database.transaction() as connection:
        return (await connection.execute(text(f"SELECT * FROM {table} WHERE id = :id"), {"id": row_id})).one()  # noqa: S608


async def change(database: Database, statement: str, **values: Any) -> None:
    """Bend the record for a test."""
    async with database.transaction() as connection:
        await connection.execute(text(statement), values)


_BLOCKED = text("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'")


async def blocked(database: Database) -> None:
    """Wait until somebody waits for a lock."""
    async with asyncio.timeout(20):
        while True:
            async with database.transaction() as connection:
                if (await connection.execute(_BLOCKED)).scalar_one():
                    return
            await asyncio.sleep(0.01)


async def rows(database: Database, statement: str, **values: Any) -> list[Any]:
    """What a query answers."""
    async with database.transaction() as connection:
        return list((await connection.execute(text(statement), values)).all())


async def value(database: Database, statement: str, **values: Any) -> Any:
    """The only value of the only row that a query answers."""
    ((found,),) = await rows(database, statement, **values)
    return found


async def events(database: Database) -> list[tuple[str, Any]]:
    """The type and the data of each event that businesses' software is told of, in order."""
    return [(one.type, one.data) for one in await rows(database, "SELECT type, data FROM events ORDER BY id")]
