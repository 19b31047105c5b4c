"""What was made, changed or deleted of templates at Meta by request, kept with who did it.

Meta is asked first: what stands here is what it has taken.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit
from store.audit import By
from store.engine import Database
from store.errors import ConflictError, InvalidRequestError, NotFoundError
from store.ids import new_id
from store.reading.templates import Template, template_of
from store.tables import integrations, templates, wabas
from store.template_sync import GONE, ask, lock_account
from whatsapp.templates import TemplateFacts


@dataclass(frozen=True, slots=True)
class Account:
    """A WhatsApp Business account of the organization's."""

    waba_row_id: UUID
    organization_id: UUID
    waba_id: str


async def find_account(database: Database, organization_id: UUID, waba_id: str | None) -> Account:
    """The account of this id; without one, the only account that has a connected number.

    Raises:
        NotFoundError: the organization has no such account.
        InvalidRequestError: it has several, and none was named.
        ConflictError: none of its numbers is connected, so nothing can be asked about it.
    """
    connected = (
        select(integrations.c.id)
        .where(integrations.c.waba_row_id == wabas.c.id, integrations.c.state != "disconnected")
        .exists()
    )
    query = select(wabas.c.id, wabas.c.organization_id, wabas.c.waba_id, connected.label("connected")).where(
        wabas.c.organization_id == organization_id
    )
    query = query.where(connected) if waba_id is None else query.where(wabas.c.waba_id == waba_id)
    async with database.statement() as connection:
        found = (await connection.execute(query.limit(2))).all()
    if not found:
        raise NotFoundError("There is no such WhatsApp Business account connected.")
    if len(found) > 1:
        raise InvalidRequestError("waba_id: must be given, there are several accounts.")
    if not found[0].connected:
        raise ConflictError("No number of this account is connected.", next_step="Connect one of its numbers.")
    return Account(*found[0][:3])


async def account_of(database: Database, waba_row_id: UUID) -> Account:
    """The account of one of our rows."""
    query = select(wabas.c.id, wabas.c.organization_id, wabas.c.waba_id).where(wabas.c.id == waba_row_id)
    async with database.statement() as connection:
        return Account(*(await connection.execute(query)).one())


async def keep_made(database: Database, account: Account, made: TemplateFacts, by: By) -> Template:
    """Keep a template that Meta has taken in; its row is there at once."""
    values = {
        "meta_id": made.id,
        "category": made.category,
        "status": made.status,
        "quality": None,
        "parameter_format": made.parameter_format,
        "components": list(made.components),
        "says": None,
        "correct_category": None,
        "told_at": None,
        "quality_told_at": None,
        "category_told_at": None,
        "synced_at": None,
        "deleted": False,
        "created_at": func.clock_timestamp(),
    }
    key = {"waba_row_id": account.waba_row_id, "name": made.name, "language": made.language}
    owner = {"id": new_id(), "organization_id": account.organization_id}
    statement = upsert(templates).values(owner | key | values)
    statement = statement.on_conflict_do_update(index_elements=[*key], set_=values)
    async with database.transaction() as connection:
        await lock_account(connection, account.waba_row_id)
        template_id = (await connection.execute(statement.returning(templates.c.id))).scalar_one()
        await _note(connection, account.organization_id, "template.made", template_id, by)
        return await template_of(connection, account.organization_id, template_id)


async def keep_changed(
    database: Database, template: Template, organization_id: UUID, changed: Mapping[str, Any], *, by: By
) -> Template:
    """Keep what was changed: columns of its row, as Meta has them now."""
    async with database.transaction() as connection:
        change = update(templates).where(templates.c.id == template.id, templates.c.organization_id == organization_id)
        await connection.execute(change.values(**changed))
        await _note(connection, organization_id, "template.changed", template.id, by, {"changed": sorted(changed)})
        return await template_of(connection, organization_id, template.id)


async def keep_deleted(
    database: Database, template: Template, organization_id: UUID, *, all_languages: bool, by: By
) -> list[Template]:
    """Keep that it is gone at Meta, in this or in all its languages; those that are."""
    account = select(templates.c.waba_row_id).where(templates.c.id == template.id).scalar_subquery()
    gone = select(templates.c.id).where(
        templates.c.organization_id == organization_id,
        templates.c.waba_row_id == account,
        templates.c.name == template.name,
        ~templates.c.deleted,
    )
    if not all_languages:
        gone = gone.where(templates.c.id == template.id)
    # In the order of their ids, as events and syncs lock them: in the plan's order they could wait in a ring.
    locked = gone.order_by(templates.c.id).with_for_update(key_share=True)
    async with database.transaction() as connection:
        ids = (await connection.execute(locked)).scalars().all()
        delete = update(templates).where(templates.c.id.in_(ids))
        await connection.execute(delete.values(deleted=True, status="DELETED", says=GONE))
        for template_id in ids:
            await _note(connection, organization_id, "template.deleted", template_id, by)
        return [await template_of(connection, organization_id, template_id) for template_id in ids]


async def keep_unknown(database: Database, account: Account, action: str, name: str, by: By) -> None:
    """Meta did not say whether it did something: keep that it was asked for, and have the account read soon."""
    numbers = select(integrations.c.id).where(
        integrations.c.waba_row_id == account.waba_row_id, integrations.c.state != "disconnected"
    )
    locked = numbers.order_by(integrations.c.id).with_for_update(key_share=True)
    async with database.transaction() as connection:
        ids: Sequence[UUID] = (await connection.execute(locked)).scalars().all()
        await ask(connection, ids[:1])
        detail = {"name": name, "outcome": "unknown"}
        await _note(connection, account.organization_id, action, account.waba_row_id, by, detail)


async def _note(
    connection: AsyncConnection,
    organization_id: UUID,
    action: str,
    subject_id: UUID,
    by: By,
    detail: Mapping[str, Any] | None = None,
) -> None:
    await audit.note(
        connection,
        organization_id=organization_id,
        action=action,
        subject_id=subject_id,
        actor=by.actor,
        actor_id=by.actor_id,
        detail=detail,
    )
