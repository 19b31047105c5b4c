"""What Meta tells of templates, applied to our rows in intake's transaction, each with its effect once.

An event that is older than the latest of its kind, or than what was read of the account since, changes nothing. What
cannot be told from an event alone (a template that is not known here, edited components, a word of tomorrow) is read
from Meta soon.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import text, update
from sqlalchemy.ext.asyncio import AsyncConnection

from store import template_sync
from store.account_events import Said
from store.tables import templates
from store.template_news import Standing, tell
from store.template_statuses import REFUSED
from whatsapp.template_changes import (
    TemplateCategory,
    TemplateChange,
    TemplateComponents,
    TemplateQuality,
    TemplateStatus,
)

_STATUSES = {"REINSTATED": "APPROVED", "APPROVED": "APPROVED"} | {word: word for word in REFUSED}
"""The status that follows from an event; any other event tells of none."""
_SAME = frozenset({"FLAGGED"})
"""Customers complain of it; it is sent all the same."""

# One number of an account is enough to read its templates by: the one that is likeliest to be allowed to.
_ACCOUNTS = text("""
    SELECT w.id, w.waba_id,
           (SELECT i.id FROM integrations i
            WHERE i.waba_row_id = w.id AND i.state IN ('live', 'held', 'stopped')
            ORDER BY i.state = 'live' DESC, i.id LIMIT 1) AS integration_id
    FROM wabas w WHERE w.waba_id = ANY(CAST(:waba_ids AS text[])) ORDER BY w.id
""")
_LOCK = text("""
    SELECT id, organization_id, waba_row_id, meta_id, name, language, status, category, quality, says, deleted,
           correct_category, told_at, quality_told_at, category_told_at, synced_at
    FROM templates
    WHERE waba_row_id = ANY(CAST(:waba_row_ids AS uuid[])) AND meta_id = ANY(CAST(:meta_ids AS text[]))
    ORDER BY id FOR NO KEY UPDATE
""")


@dataclass(slots=True)
class _Known:
    """A template under its lock, as it is after what was applied so far."""

    id: UUID
    organization_id: UUID
    waba_row_id: UUID
    meta_id: str
    name: str
    language: str
    status: str
    category: str
    quality: str | None
    says: str | None
    deleted: bool
    correct_category: str | None
    told_at: datetime | None
    quality_told_at: datetime | None
    category_told_at: datetime | None
    synced_at: datetime | None

    def is_news(self, last: datetime | None, at: datetime | None) -> bool:
        """Whether it happened after the latest of its kind, and after Meta was last asked."""
        if at is None:
            return True
        if last is not None and at < last:
            return False
        return self.synced_at is None or at >= self.synced_at - template_sync.SKEW

    @property
    def standing(self) -> Standing:
        """As far as a change of it is news to the business."""
        return Standing(self.id, self.organization_id, self.name, self.language, self.status, self.category, self.says)


async def apply_changes(connection: AsyncConnection, said: Sequence[Said]) -> None:
    """Apply what Meta said of templates, in order. The caller has locked the numbers of their accounts."""
    about = [(one, one.change) for one in said if isinstance(one.change, TemplateChange)]
    if not about:
        return
    accounts = (await connection.execute(_ACCOUNTS, {"waba_ids": sorted({one.waba_id for one, _ in about})})).all()
    known = await _lock(connection, [row.id for row in accounts], [change.template.meta_id for _, change in about])
    unclear: set[UUID] = set()
    for one, change in about:
        for account in (row for row in accounts if row.waba_id == one.waba_id):
            template = known.get((account.id, change.template.meta_id))
            clear = False if template is None else await _apply(connection, template, change, one.at)
            if not clear and account.integration_id is not None:
                unclear.add(account.integration_id)
    await template_sync.ask(connection, unclear)


async def _lock(
    connection: AsyncConnection, waba_row_ids: Sequence[UUID], meta_ids: Sequence[str]
) -> dict[tuple[UUID, str], _Known]:
    values = {"waba_row_ids": sorted(waba_row_ids), "meta_ids": sorted(set(meta_ids))}
    rows = [_Known(*row) for row in await connection.execute(_LOCK, values)]
    return {(row.waba_row_id, row.meta_id): row for row in rows}


async def _apply(connection: AsyncConnection, template: _Known, change: TemplateChange, at: datetime | None) -> bool:
    """Apply one change; False where Meta has to be asked what is true now."""
    before = template.standing
    match change:
        case TemplateStatus():
            values, clear = _status(template, change, at)
        case TemplateQuality():
            values, clear = _quality(template, change, at), True
        case TemplateCategory():
            values, clear = _category(template, change, at), True
        case TemplateComponents():
            values, clear = {}, not template.is_news(None, at)
    if values:
        for name, value in values.items():
            setattr(template, name, value)
        await connection.execute(update(templates).where(templates.c.id == template.id).values(**values))
        await tell(connection, before=before, now=template.standing)
    return clear and at is not None


def _status(template: _Known, change: TemplateStatus, at: datetime | None) -> tuple[dict[str, Any], bool]:
    if not template.is_news(template.told_at, at):
        return {}, True
    # A deleted one that comes back, and a word that is not known here: only Meta can tell what is true.
    status = _STATUSES.get(change.event)
    if change.event not in _SAME and (status is None or (template.deleted and status != "DELETED")):
        return {}, False
    # Whole seconds do not tell which of two came first.
    doubtful = template.told_at is not None and template.told_at == at and status not in (None, template.status)
    values = {
        "status": status or template.status,
        "says": _words(change),
        "deleted": status == "DELETED",
        "told_at": at or template.told_at,
    }
    if change.category is not None and template.is_news(template.category_told_at, at):
        values["category"] = change.category
    return values, not doubtful


def _words(change: TemplateStatus) -> str | None:
    return " ".join(part for part in (change.reason, change.recommendation) if part) or None


def _quality(template: _Known, change: TemplateQuality, at: datetime | None) -> dict[str, Any]:
    if not template.is_news(template.quality_told_at, at):
        return {}
    return {"quality": change.quality, "quality_told_at": at or template.quality_told_at}


def _category(template: _Known, change: TemplateCategory, at: datetime | None) -> dict[str, Any]:
    if not template.is_news(template.category_told_at, at):
        return {}
    return {
        "category": change.new_category or template.category,
        "correct_category": change.correct_category,
        "category_told_at": at or template.category_told_at,
    }
