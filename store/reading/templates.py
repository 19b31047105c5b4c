"""What a business sees of its templates."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import RowMapping, Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.errors import NotFoundError
from store.paging import Keyset, Page, PageRequest
from store.tables import integrations, templates, wabas
from store.template_statuses import refused

_ORDER = Keyset("templates", templates.c.id)


@dataclass(frozen=True, slots=True)
class Template:
    """A template in one language, as Meta last told of it. Status, category and quality are Meta's words."""

    id: UUID
    meta_id: str | None
    waba_id: str
    name: str
    language: str
    category: str
    correct_category: str | None
    """What Meta has announced to put it into."""
    status: str
    usable: bool
    """Whether a message may be sent with it."""
    says: str | None
    """Why it may not, or what Meta says of it."""
    next_step: str | None
    quality: str | None
    parameter_format: str
    """`positional` or `named`."""
    components: list[dict[str, Any]]
    deleted: bool
    read_at: datetime | None
    """When it was last read as a whole; events may have changed it since."""
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which templates; what is None is any."""

    waba_id: str | None = None
    phone_number_id: str | None = None
    """Of the account that this number belongs to."""
    name: str | None = None
    language: str | None = None
    status: str | None = None
    category: str | None = None
    deleted: bool = False
    """Also those that are gone at Meta."""


async def list_templates(
    database: Database, organization_id: UUID, page: PageRequest, wanted: Wanted
) -> Page[Template]:
    """The organization's templates, those that came to be known last first."""
    query = _query(organization_id)
    columns = {"waba_id": wabas.c.waba_id} | {
        name: templates.c[name] for name in ("name", "language", "status", "category")
    }
    for name, column in columns.items():
        value = getattr(wanted, name)
        if value is not None:
            query = query.where(column == value)
    if wanted.phone_number_id is not None:
        numbers = select(integrations.c.waba_row_id).where(
            integrations.c.organization_id == organization_id,
            integrations.c.phone_number_id == wanted.phone_number_id,
        )
        query = query.where(wabas.c.id.in_(numbers))
    if not wanted.deleted:
        query = query.where(~templates.c.deleted)
    async with database.transaction() as connection:
        return await _ORDER.page(connection, query, page, make=_template)


async def read_template(database: Database, organization_id: UUID, template_id: UUID) -> Template:
    """One template.

    Raises:
        NotFoundError: the organization has none of this id.
    """
    async with database.transaction() as connection:
        return await template_of(connection, organization_id, template_id)


async def template_of(connection: AsyncConnection, organization_id: UUID, template_id: UUID) -> Template:
    """The same within the caller's transaction.

    Raises:
        NotFoundError: the organization has none of this id.
    """
    query = _query(organization_id).where(templates.c.id == template_id)
    row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("There is no such template.")
    return _template(row)


def _query(organization_id: UUID) -> Select[Any]:
    return (
        select(templates, wabas.c.waba_id)
        .join(wabas, wabas.c.id == templates.c.waba_row_id)
        .where(templates.c.organization_id == organization_id)
    )


def _template(row: RowMapping) -> Template:
    refusal = refused(row["status"], deleted=row["deleted"])
    says = " ".join(part for part in (refusal.says if refusal else None, row["says"]) if part)
    return Template(
        id=row["id"],
        meta_id=row["meta_id"],
        waba_id=row["waba_id"],
        name=row["name"],
        language=row["language"],
        category=row["category"],
        correct_category=row["correct_category"],
        status=row["status"],
        usable=refusal is None,
        says=says or None,
        next_step=refusal.next_step if refusal else None,
        quality=row["quality"],
        parameter_format=row["parameter_format"],
        components=row["components"],
        deleted=row["deleted"],
        read_at=row["synced_at"],
        created_at=row["created_at"],
    )
