"""Message templates: as Meta has them, made, changed and deleted there."""

from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Query

from api import template_examples as examples
from api.auth import Caller, Store
from api.examples import answers
from api.template_contracts import ChangeTemplate, MakeTemplate, ReadTemplates, TemplateListing
from api.template_desk import AtMeta
from store import template_writes
from store.paging import Page
from store.reading.templates import Template, list_templates, read_template
from store.template_sync import Synced

router = APIRouter(prefix="/api/v1/whatsapp/templates", tags=["Templates"])


@dataclass(frozen=True, slots=True)
class TemplatesRead:
    """What reading an account's templates came to."""

    waba_id: str
    templates: int
    """As many as Meta has."""
    new: int
    changed: int
    gone: int
    """Those that Meta has no more."""


@dataclass(frozen=True, slots=True)
class TemplatesDeleted:
    """What was deleted: one template in one language, or in all."""

    deleted: list[Template]


@router.get("", responses=answers(200, examples.TEMPLATES, 401, 422))
async def read_templates(
    organization_id: Caller, database: Store, listing: Annotated[TemplateListing, Query()]
) -> Page[Template]:
    """List templates as Meta last told of them: read daily, after refusals, and changed by Meta's own events."""
    return await list_templates(database, organization_id, listing.wanted(), listing.which())


@router.get("/{template_id}", responses=answers(200, examples.TEMPLATE, 401, 404, 422))
async def read_one(organization_id: Caller, database: Store, template_id: UUID) -> Template:
    """Show a template: its status, why it may not be sent and what to do, its quality, category and components."""
    return await read_template(database, organization_id, template_id)


@router.post("", status_code=201, responses=answers(201, examples.MADE, 401, 404, 409, 422, 503))
async def make_template(meta: AtMeta, wanted: MakeTemplate) -> Template:
    """Make a template at Meta, which reviews it: minutes, or up to a day. An event tells how it ended."""
    account = await template_writes.find_account(meta.database, meta.organization_id, wanted.waba_id)
    return await meta.make(account, wanted.content())


@router.put("/{template_id}", responses=answers(200, examples.MADE, 401, 404, 409, 422, 503))
async def change_template(meta: AtMeta, template_id: UUID, wanted: ChangeTemplate) -> Template:
    """Change a template at Meta, which reviews it again; meanwhile nothing can be sent with it."""
    template = await read_template(meta.database, meta.organization_id, template_id)
    account = await template_writes.find_account(meta.database, meta.organization_id, template.waba_id)
    return await meta.change(account, template, wanted.content())


@router.delete("/{template_id}", responses=answers(200, examples.DELETED, 401, 404, 409, 422, 503))
async def delete_template(
    meta: AtMeta,
    template_id: UUID,
    *,
    all_languages: Annotated[bool, Query(description="In all its languages, not in this one alone.")] = False,
) -> TemplatesDeleted:
    """Delete a template at Meta. What is queued with it fails, with the reason; what was sent keeps its record."""
    template = await read_template(meta.database, meta.organization_id, template_id)
    account = await template_writes.find_account(meta.database, meta.organization_id, template.waba_id)
    return TemplatesDeleted(list(await meta.delete(account, template, all_languages=all_languages)))


@router.post("/sync", responses=answers(200, examples.READ, 401, 404, 409, 422, 503))
async def read_anew(meta: AtMeta, about: ReadTemplates | None = None) -> TemplatesRead:
    """Read an account's templates from Meta now."""
    wanted = None if about is None else about.waba_id
    account = await template_writes.find_account(meta.database, meta.organization_id, wanted)
    synced: Synced = await meta.read(account)
    return TemplatesRead(account.waba_id, synced.templates, synced.new, synced.changed, synced.gone)
