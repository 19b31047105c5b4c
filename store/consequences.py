"""What an error of Meta's changes beyond its message: the number, its rate, the pair, the window, the contact.

One place for errors that come as answers, as `failed` statuses and as errors of a whole value. The error's rule
(`whatsapp.error_table`) names the consequence, so that each code has the same one wherever it appears.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import consents, findings, number_states, rates, template_sync
from store.findings import Found, Owner
from store.objections import PAIR_BURST, PAIR_INTERVAL
from whatsapp.errors import Verdict

Source = Literal["answer", "status", "value"]

_OF_TEMPLATES = range(132_000, 133_000)
"""Meta's codes about templates and their parameters."""


@dataclass(frozen=True, slots=True)
class Attempted:
    """The attempt that an error is of, and how often Meta has refused its message with this code."""

    message_id: UUID
    conversation_id: UUID
    attempt: int
    refusals: int = 1


@dataclass(frozen=True, slots=True)
class Trouble:
    """An error of Meta's at one number."""

    organization_id: UUID
    integration_id: UUID
    verdict: Verdict
    code: int | None
    detail: str | None
    source: Source
    of: Attempted | None = None
    """None: it is of no message."""

    @property
    def owner(self) -> Owner:
        """Whom a finding about it belongs to."""
        return Owner(self.integration_id, self.organization_id)

    @property
    def in_meta_words(self) -> str:
        """Code and detail, for the fold of a finding."""
        return f"{self.code}: {self.detail}" if self.detail else str(self.code)


# Burst and interval as the claim books them: after the wait the pair gets one message, then one per interval.
_SLOW_PAIR = text("""
    UPDATE conversations
    SET pair_next_at = greatest(pair_next_at, clock_timestamp() + CAST(:wait AS interval)) WHERE id = :conversation_id
""")

# Both count from the moment at which the refused attempt left: what the customer did since is newer than the refusal.
_CLOSE_WINDOW = text("""
    UPDATE conversations c
    SET window_refused_at = greatest(c.window_refused_at, a.claimed_at),
        window_opened_at = CASE WHEN c.window_opened_at > a.claimed_at THEN c.window_opened_at END
    FROM message_attempts a
    WHERE c.id = :conversation_id AND a.message_id = :message_id AND a.attempt = :attempt
""")

_REFUSED = text("""
    SELECT c.contact_id, a.claimed_at FROM conversations c, message_attempts a
    WHERE c.id = :conversation_id AND a.message_id = :message_id AND a.attempt = :attempt
""")


async def lock_numbers(connection: AsyncConnection, troubles: Iterable[Trouble]) -> None:
    """Lock the numbers whose own rows may change, before any conversation is locked."""
    concerned = [one for one in troubles if _concerns_number(one)]
    if any(one.verdict.hold == "app" for one in concerned):
        await number_states.lock_live(connection)
    else:
        await number_states.lock(connection, [one.integration_id for one in concerned])


async def lock_contacts(connection: AsyncConnection, troubles: Iterable[Trouble]) -> None:
    """Lock the contacts who turn out to want no marketing, before their conversations are locked."""
    opted_out = [one.of.conversation_id for one in troubles if one.of is not None and one.verdict.effect == "opt_out"]
    await consents.lock(connection, (), of_conversations=opted_out)


async def follow(connection: AsyncConnection, troubles: Iterable[Trouble]) -> None:
    """Do what follows from errors, all but the numbers' rates: those come last, see `slow_numbers`.

    The caller holds the locks of the numbers (`lock_numbers`) and of the conversations that are named.
    """
    for trouble in troubles:
        verdict = trouble.verdict
        if verdict.kind == "hold":
            await _hold(connection, trouble)
        if _doubts_template(trouble):
            await template_sync.ask(connection, [trouble.integration_id])
        match verdict.effect, trouble.of:
            case "warn_owner", _:
                await _warn(connection, trouble)
            case "slow_pair", Attempted() as of:
                wait = verdict.delay(of.refusals) + (PAIR_BURST - 1) * PAIR_INTERVAL
                await connection.execute(_SLOW_PAIR, {"conversation_id": of.conversation_id, "wait": wait})
            case "close_window", Attempted() as of:
                await connection.execute(_CLOSE_WINDOW, _key(of))
            case "opt_out", Attempted() as of:
                await _opt_out(connection, trouble, of)
            case _:
                pass


async def slow_numbers(connection: AsyncConnection, troubles: Iterable[Trouble]) -> None:
    """Slow the numbers whose rate Meta found too high; the last thing that a transaction locks, as a claim does it."""
    slowed = {trouble.integration_id for trouble in troubles if trouble.verdict.effect == "slow_number"}
    for integration_id in sorted(slowed):
        await rates.slow(connection, integration_id)


def _concerns_number(trouble: Trouble) -> bool:
    return trouble.verdict.kind == "hold" or trouble.verdict.effect == "warn_owner" or _doubts_template(trouble)


def _doubts_template(trouble: Trouble) -> bool:
    """Whether Meta's templates are others than those that the message was checked against."""
    return trouble.code is not None and trouble.code in _OF_TEMPLATES


async def _hold(connection: AsyncConnection, trouble: Trouble) -> None:
    verdict = trouble.verdict
    if verdict.hold == "app":
        await number_states.hold_app(connection, says=verdict.meaning, next_step=verdict.next_step)
        return
    held = await number_states.hold(
        connection,
        trouble.integration_id,
        hold=verdict.hold or "stopped",
        says=verdict.meaning,
        next_step=verdict.next_step,
    )
    if held and verdict.hold == "stopped":
        refused = Found("account", number_states.BY_SENDING, "error", verdict.meaning, verdict.next_step)
        await findings.see(connection, trouble.owner, replace(refused, meta_detail=trouble.in_meta_words))


async def _opt_out(connection: AsyncConnection, trouble: Trouble, of: Attempted) -> None:
    refused = (await connection.execute(_REFUSED, _key(of))).one_or_none()
    if refused is None:
        return
    await consents.record(
        connection,
        organization_id=trouble.organization_id,
        contact_id=refused.contact_id,
        choice="stop",
        source="status" if trouble.source == "status" else "answer",
        told_at=refused.claimed_at,
        message_id=of.message_id,
    )


async def _warn(connection: AsyncConnection, trouble: Trouble) -> None:
    limited = Found("quality", "messages_limited", "warning", trouble.verdict.meaning, trouble.verdict.next_step)
    await findings.see(connection, trouble.owner, replace(limited, meta_detail=trouble.in_meta_words))


def _key(of: Attempted) -> dict[str, object]:
    return {"conversation_id": of.conversation_id, "message_id": of.message_id, "attempt": of.attempt}
