"""Templates at Meta: read, made, changed and deleted there by request, with Meta's refusals in words."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, NoReturn, TypeVar
from uuid import UUID
from weakref import WeakValueDictionary

import structlog
from fastapi import Depends, Request

from api.auth import Acting, Caller, Ring, Store
from api.meta_failures import error_of
from store import template_sync, template_writes
from store.audit import By
from store.engine import Database
from store.errors import (
    ConflictError,
    HoldfastError,
    MetaUnavailableError,
    TemplateRefusedError,
    TemplateUnknownError,
    UnavailableError,
)
from store.reading.templates import Template
from store.sealing import KeyRing
from store.template_sync import ASKED_ONCE_IN, Sync, Synced
from store.template_writes import Account
from whatsapp.accounts import Accounts
from whatsapp.calls import Failure, Refused
from whatsapp.management import Done
from whatsapp.signup_failures import CallFailure, call_failure
from whatsapp.template_calls import Made, TemplateCalls
from whatsapp.templates import TemplateFacts, format_of

log = structlog.get_logger(__name__)

_SYNC_WITHIN = 20.0
"""Seconds that somebody who queues a message waits for the templates of an account."""
_NO_ANSWER = "Meta gave no answer: nobody knows whether it did it. Its templates are read soon."
Queued = TypeVar("Queued")


class Readings:
    """Accounts whose templates are being read because somebody waits for one: one reading of each at a time.

    For a whole process. Whoever comes meanwhile waits for that reading, which costs Meta's limit on calls once.
    """

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[UUID, asyncio.Lock] = WeakValueDictionary()

    def of(self, waba_row_id: UUID) -> asyncio.Lock:
        """To be held while the account is read."""
        return self._locks.setdefault(waba_row_id, asyncio.Lock())


@dataclass(frozen=True, slots=True)
class TemplateDesk:
    """Speaks to Meta for one organization."""

    organization_id: UUID
    by: By
    database: Database
    ring: KeyRing
    accounts: Accounts | None
    readings: Readings

    async def knowing(self, queue: Callable[[], Awaitable[Queued]]) -> Queued:
        """Queue a message; a template that is not known here is looked for at Meta first.

        Raises:
            HoldfastError: what `queue` raises; MetaUnavailableError where nothing is known of the account's templates
                and Meta does not tell.
        """
        try:
            return await queue()
        except TemplateUnknownError as unknown:
            if not await self._read_for(unknown):
                raise
        return await queue()

    async def _read_for(self, unknown: TemplateUnknownError) -> bool:
        """Have the account's templates read anew, unless that was done a moment ago; whether they were."""
        at = unknown.synced_at
        if self.accounts is None or (at is not None and datetime.now(UTC) - at < ASKED_ONCE_IN):
            return False
        try:
            async with asyncio.timeout(_SYNC_WITHIN), self.readings.of(unknown.waba_row_id):
                if await template_sync.read_at(self.database, unknown.waba_row_id) == at:
                    await self.read(await template_writes.account_of(self.database, unknown.waba_row_id))
        except (HoldfastError, TimeoutError) as error:
            log.warning("templates.not_read", waba_row_id=str(unknown.waba_row_id), reason=type(error).__name__)
            if at is None and isinstance(error, MetaUnavailableError | TimeoutError):
                raise MetaUnavailableError("Meta did not tell the account's templates: nothing was queued.") from None
            return False
        return True

    async def read(self, account: Account) -> Synced:
        """Bring our rows in line with what Meta has."""
        calls, token = await self._way(account)
        sync = await template_sync.begin(
            self.database, organization_id=account.organization_id, waba_id=account.waba_id
        )
        told = await calls.of_account(account.waba_id, token)
        if isinstance(told, list):
            return await template_sync.record(self.database, sync, told)
        return await self._not_read(sync, told)

    async def _not_read(self, sync: Sync, failure: Failure) -> NoReturn:
        if isinstance(failure, Refused):
            says = f"Meta does not show the templates: {failure.verdict().meaning}"
            await template_sync.note_failure(self.database, sync, says)
        _refuse(failure)

    async def make(self, account: Account, content: dict[str, Any]) -> Template:
        """Make a template; Meta reviews it from then on."""
        calls, token = await self._way(account)
        made = await calls.make(account.waba_id, token, content)
        if not isinstance(made, Made):
            await self._lost(account, made, "template.made", content["name"])
            _refuse(made)
        return await template_writes.keep_made(self.database, account, _as_made(made, content), self.by)

    async def change(self, account: Account, template: Template, content: dict[str, Any]) -> Template:
        """Change a template; Meta reviews it anew, and says at once how it stands."""
        calls, token = await self._way(account)
        meta_id = _meta_id(template)
        done = await calls.change(meta_id, token, content)
        if not isinstance(done, Done):
            await self._lost(account, done, "template.changed", template.name)
            _refuse(done)
        facts = await calls.one(meta_id, token)
        changed = _columns(facts) if isinstance(facts, TemplateFacts) else {**content, "status": "PENDING"}
        return await template_writes.keep_changed(self.database, template, account.organization_id, changed, by=self.by)

    async def delete(self, account: Account, template: Template, *, all_languages: bool) -> Sequence[Template]:
        """Delete a template, in this or in all its languages."""
        calls, token = await self._way(account)
        meta_id = None if all_languages else _meta_id(template)
        done = await calls.delete(account.waba_id, token, name=template.name, meta_id=meta_id)
        if not isinstance(done, Done):
            await self._lost(account, done, "template.deleted", template.name)
            _refuse(done)
        return await template_writes.keep_deleted(
            self.database, template, account.organization_id, all_languages=all_languages, by=self.by
        )

    async def _way(self, account: Account) -> tuple[TemplateCalls, str]:
        if self.accounts is None:
            raise UnavailableError("Our app at Meta is not set up.", next_step="Set META_APP_ID and META_APP_SECRET.")
        token = await template_sync.token_of(self.database, self.ring, account.waba_row_id)
        if token is None:
            raise ConflictError("No number of this account is connected.", next_step="Connect one of its numbers.")
        return self.accounts.templates, token

    async def _lost(self, account: Account, failure: Failure, action: str, name: str) -> None:
        if call_failure(failure) is CallFailure.LOST:
            await template_writes.keep_unknown(self.database, account, action, name, self.by)


def _meta_id(template: Template) -> str:
    if template.deleted or template.meta_id is None:
        raise ConflictError("The template is gone at Meta.", next_step="Make it anew.")
    return template.meta_id


def _as_made(made: Made, content: dict[str, Any]) -> TemplateFacts:
    components = tuple(content["components"])
    return TemplateFacts(
        id=made.id,
        name=content["name"],
        language=content["language"],
        category=(made.category or content["category"]).upper(),
        status=made.status.upper(),
        quality=None,
        parameter_format=format_of(content["parameter_format"], components),
        components=components,
        rejected_reason=None,
    )


def _columns(facts: TemplateFacts) -> dict[str, Any]:
    return {
        "category": facts.category,
        "status": facts.status,
        "says": facts.rejected_reason,
        "quality": facts.quality,
        "parameter_format": facts.parameter_format,
        "components": list(facts.components),
    }


def _refuse(failure: Failure) -> NoReturn:
    """Say why Meta did not do it."""
    unanswered = MetaUnavailableError(_NO_ANSWER, next_step="Look at the template in a minute, then decide.")
    raise error_of(failure, refused=TemplateRefusedError, unanswered=unanswered)


def _desk(request: Request, organization_id: Caller, by: Acting, database: Store, ring: Ring) -> TemplateDesk:
    state = request.app.state
    return TemplateDesk(organization_id, by, database, ring, state.accounts, state.template_readings)


AtMeta = Annotated[TemplateDesk, Depends(_desk)]
"""Templates at Meta, for whoever asks."""
