"""Whether a template may be sent from a number, and with these parameters: asked when a message is queued."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.errors import InvalidRequestError, TemplateUnknownError, TemplateUnusableError
from store.tables import integrations, templates, wabas
from store.template_statuses import refused
from whatsapp.template_parameters import problems
from whatsapp.templates import definition

_MOST_LISTED = 10


@dataclass(frozen=True, slots=True)
class Fitting:
    """A template that a message may be sent with."""

    id: UUID
    category: str
    """In small letters: marketing, utility, authentication."""


async def check(
    connection: AsyncConnection, *, integration_id: UUID, kind: str, content: Mapping[str, Any]
) -> Fitting | None:
    """The template of a message from this number; None where its type is another.

    `content` is one that `whatsapp.messages.validate_content` has nothing against.

    Raises:
        TemplateUnknownError: the number's account has no template of this name and language, as far as is known here.
        TemplateUnusableError: it has one, and Meta would refuse it: paused, disabled, rejected, not approved yet.
        InvalidRequestError: the parameters are not those that the template takes.
    """
    if kind != "template":
        return None
    sent = content["template"]
    language = sent["language"]["code"]
    rows = await _named(connection, integration_id, sent["name"])
    row = next((one for one in rows if one.language == language and not one.deleted), None)
    if row is None:
        raise _unknown(rows, language)
    refusal = refused(row.status, deleted=row.deleted)
    if refusal is not None:
        why = f" Meta says: {row.says}" if row.says else ""
        raise TemplateUnusableError(f"template.name: {refusal.says}{why}", next_step=refusal.next_step)
    found = problems(definition(row.components, row.parameter_format), sent)
    if found:
        raise InvalidRequestError(f"{'; '.join(found)}.")
    return Fitting(row.id, row.category.lower())


async def _named(connection: AsyncConnection, integration_id: UUID, name: str) -> Sequence[Any]:
    """The templates of this name at the number's account; one row without any where there is none."""
    query = (
        select(
            wabas.c.id.label("waba_row_id"),
            wabas.c.templates_synced_at,
            wabas.c.templates_says,
            templates.c.id,
            templates.c.language,
            templates.c.category,
            templates.c.status,
            templates.c.says,
            templates.c.parameter_format,
            templates.c.components,
            templates.c.deleted,
        )
        .select_from(integrations)
        .join(wabas, wabas.c.id == integrations.c.waba_row_id)
        .outerjoin(templates, and_(templates.c.waba_row_id == wabas.c.id, templates.c.name == name))
        .where(integrations.c.id == integration_id)
        .order_by(templates.c.language)
    )
    return (await connection.execute(query)).all()


def _unknown(rows: Sequence[Any], language: str) -> TemplateUnknownError:
    account = rows[0]
    others = [row.language for row in rows if row.id is not None and not row.deleted]
    if any(row.language == language for row in rows if row.deleted):
        detail = "template.name: Meta has deleted this template."
    elif others:
        detail = f"template.language: the template exists in {', '.join(others[:_MOST_LISTED])} only."
    elif account.templates_synced_at is None:
        says = f" {account.templates_says}" if account.templates_says else ""
        detail = f"template.name: the account's templates were not read yet.{says}"
    else:
        detail = "template.name: the number's account has no template of this name."
    return TemplateUnknownError(detail, waba_row_id=account.waba_row_id, synced_at=account.templates_synced_at)
