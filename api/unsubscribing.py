"""Takes our app off accounts of which no number is left: at once when the last one is disconnected, else later."""

import asyncio
from contextlib import suppress
from typing import Literal
from uuid import UUID

import structlog

from store import unsubscribing
from store.engine import DATABASE_ERRORS, Database
from store.errors import SealingError
from store.sealing import KeyRing
from store.unsubscribing import MOST_ATTEMPTS, Unsubscription
from whatsapp.accounts import Accounts, Done, Failure, Refused

log = structlog.get_logger(__name__)

Came = Literal["done", "refused", "later"]
SAYS: dict[Came, str] = {
    "done": "Meta sends this account's messages here no more.",
    "refused": "Meta did not unsubscribe our app from the account: the token has no access any more, or no answer came "
    "for days.",
    "later": "Meta did not answer when our app was to be unsubscribed from the account: that is repeated by itself.",
}
"""What is kept and shown of it."""
_EVERY = 30.0
"""Seconds between looks at what is due."""
_LATER: tuple[type[Exception], ...] = (SealingError, *DATABASE_ERRORS)
"""Postgres is away, or a key is not in the ring: neither lasts, or somebody sees to it."""


class Unsubscriptions:
    """Carries out what `store.unsubscribing` keeps. Runs in every API process; an account is taken by one at a time."""

    def __init__(self, database: Database, ring: KeyRing, accounts: Accounts | None) -> None:
        self._database = database
        self._ring = ring
        self._accounts = accounts

    async def now(self, waba_row_id: UUID) -> Came:
        """Try this account once, if that is still to be done; `later` when Meta does not answer."""
        if self._accounts is not None:
            found = await unsubscribing.claim(self._database, self._ring, waba_row_id=waba_row_id)
            if found is not None:
                return await self._try(self._accounts, found)
        pending, says = await unsubscribing.standing(self._database, waba_row_id)
        if pending:
            return "later"
        return "refused" if says == SAYS["refused"] else "done"

    async def run(self, stop: asyncio.Event) -> None:
        """Try what is due, until the event is set."""
        while not stop.is_set() and self._accounts is not None:
            try:
                await unsubscribing.forget_used(self._database)
                while not stop.is_set() and (found := await unsubscribing.claim(self._database, self._ring)):
                    await self._try(self._accounts, found)
            except _LATER as error:
                log.warning("waba.unsubscribe_later", reason=type(error).__name__)
            with suppress(TimeoutError):
                async with asyncio.timeout(_EVERY):
                    await stop.wait()
        await stop.wait()

    async def _try(self, accounts: Accounts, found: Unsubscription) -> Came:
        came = _judged(await accounts.unsubscribe(found.waba_id, found.access_token), found.attempt)
        log.info("waba.unsubscribe", waba_id=found.waba_id, attempt=found.attempt, came=came)
        await unsubscribing.note(self._database, found.waba_row_id, says=SAYS[came], over=came != "later")
        return came


def _judged(answer: Done | Failure, attempt: int) -> Came:
    if isinstance(answer, Done):
        return "done"
    return "refused" if attempt >= MOST_ATTEMPTS or _is_final(answer) else "later"


def _is_final(failure: Failure) -> bool:
    """Whether Meta would say the same again."""
    if not isinstance(failure, Refused):
        return False
    verdict = failure.verdict()
    return verdict.kind not in {"retry", "unknown"}
