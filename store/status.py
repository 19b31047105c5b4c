"""How each number of an organization is doing, in figures and in words."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, case, func, select, text

from store.engine import Database
from store.findings import open_findings
from store.holds import IS_ASKED_ABOUT, WAITS_FOR
from store.number_states import BY_SENDING, REASONS
from store.tables import messages

# Longer than intake's second try at a nudge: what has waited so long is not just being looked at.
_READ = text("""
    SELECT i.id AS integration_id, i.phone_number, i.phone_number_id, i.waba_id, i.enabled, i.state, i.state_reason,
           i.state_since, late.conversations AS late, late.since AS late_since, coalesce(parked.items, 0) AS parked
    FROM integrations i
    CROSS JOIN LATERAL (
      SELECT count(*) AS conversations, min(c.due_at) AS since FROM conversations c
      WHERE c.integration_id = i.id AND c.organization_id = :organization_id
        AND c.due_at < statement_timestamp() - interval '15 seconds'
    ) AS late
    LEFT JOIN (
      SELECT phone_number_id, count(*) AS items FROM webhook_items
      WHERE organization_id = :organization_id AND outcome = 'parked' GROUP BY phone_number_id
    ) AS parked ON parked.phone_number_id = i.phone_number_id
    WHERE i.organization_id = :organization_id
    ORDER BY i.id
""")

_what = case((IS_ASKED_ABOUT, "decision"), else_=func.coalesce(WAITS_FOR, messages.c.state)).label("what")
_since = func.coalesce(messages.c.hold_since, messages.c.claimed_at, messages.c.created_at)
_WAITING = (
    select(messages.c.integration_id, _what, func.count().label("messages"), func.min(_since).label("since"))
    .where(
        messages.c.organization_id == bindparam("organization_id"),
        messages.c.state.in_(("queued", "sending", "unknown")),
    )
    .group_by(messages.c.integration_id, text("what"))
    .order_by(messages.c.integration_id, text("what"))
)

_WHAT = {
    "queued": "about to be sent",
    "sending": "being sent",
    "unknown": "of unknown outcome, of which a status may still tell",
    "decision": "of unknown outcome, waiting for a person's decision",
    "token": "waiting for a new access token",
    "permission": "waiting for a permission at Meta",
    "stopped": "waiting because Meta has stopped the number",
    "app": "waiting for the app at Meta to be put in order",
    "disabled": "waiting until the number is enabled",
    "slot": "waiting for the number's rate",
    "pair": "waiting for Meta's rate to one customer",
    "back_off": "waiting to be repeated",
    "not_before": "waiting for their time",
    "portfolio": "waiting for the portfolio's limit",
    "media": "waiting for their media",
    "behind": "waiting behind an earlier message",
}

_EFFECT = "messages come in, none leave."
_STATE = {
    "connecting": "Being connected; messages are kept and answered once it is live.",
    "live": "Connected.",
    "held": f"Held: {_EFFECT}",
    "stopped": f"Stopped by Meta: {_EFFECT}",
    "disconnected": "Disconnected.",
}


_TOLD_BY = {
    "token": frozenset({"token_missing", "token_invalid", "token_of_another_app"}),
    "permission": frozenset({"scopes_missing", "access_lost", "access_removed"}),
    "app": frozenset({"app_refused"}),
    "stopped": frozenset(
        {"account_disabled", "account_restricted", BY_SENDING, "number_not_connected", "number_not_registered"}
    ),
}
"""The findings that say the same as a number's reason."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages that have not reached Meta for sure, by what they wait for."""

    what: str
    messages: int
    since: datetime


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that a check or Meta's own events found wrong, and that is still there."""

    code: str
    """A heading in docs/checks.md."""
    severity: str
    """warning or error."""
    says: str
    next_step: str
    since: datetime


@dataclass(frozen=True, slots=True)
class NumberStatus:
    """One number."""

    integration_id: UUID
    phone_number: str
    phone_number_id: str
    waba_id: str
    enabled: bool
    """The owner's own switch."""
    connected: bool
    """Messages can come in and leave."""
    state: str
    state_reason: str | None
    state_since: datetime | None
    late: int
    """Conversations that somebody should have looked at by now."""
    late_since: datetime | None
    parked: int
    """Items of webhooks that could not be applied."""
    waiting: list[Waiting]
    problems: list[Problem]
    """Open warnings and errors, the worst first."""
    in_words: str


async def number_statuses(database: Database, organization_id: UUID) -> list[NumberStatus]:
    """All numbers of the organization, in the order they were connected."""
    values = {"organization_id": organization_id}
    waiting: defaultdict[UUID, list[Waiting]] = defaultdict(list)
    problems: defaultdict[UUID, list[Problem]] = defaultdict(list)
    async with database.transaction() as connection:
        for row in await connection.execute(_WAITING, values):
            waiting[row.integration_id].append(Waiting(row.what, row.messages, row.since))
        for found in await open_findings(connection, organization_id):
            if found.severity != "notice":
                problem = Problem(found.code, found.severity, found.says, found.next_step, found.first_seen_at)
                problems[found.integration_id].append(problem)
        numbers = (await connection.execute(_READ, values)).mappings().all()
    return [
        NumberStatus(
            **number,
            connected=number["state"] == "live" and number["enabled"],
            waiting=waiting[number["integration_id"]],
            problems=problems[number["integration_id"]],
            in_words=_in_words(number, waiting[number["integration_id"]], problems[number["integration_id"]]),
        )
        for number in numbers
    ]


def _in_words(number: Any, waiting: Sequence[Waiting], problems: Sequence[Problem]) -> str:
    said = [_STATE[number["state"]]]
    if any(_EFFECT in problem.says.lower() for problem in problems):
        said = [said[0].replace(f": {_EFFECT}", ".")]
    if number["state_reason"] and number["state"] != "live" and not _tell_the_reason(number["state_reason"], problems):
        says, _ = REASONS.get(number["state_reason"], (number["state_reason"], None))
        said.append(f"Reason: {says.rstrip('.')}.")
    if not number["enabled"]:
        said.append("Switched off by its owner: messages are kept, not answered.")
    said += [f"{problem.says} {problem.next_step}" for problem in problems]
    said += [f"{_count(part.messages, 'message')} {_WHAT[part.what]}." for part in waiting]
    if number["late"]:
        since = f"{number['late_since']:%Y-%m-%d %H:%M:%S} UTC"
        said.append(f"{_count(number['late'], 'conversation')} late: nobody has looked since {since}.")
    if number["parked"]:
        said.append(f"{_count(number['parked'], 'webhook item')} could not be applied: see webhook-events.")
    return " ".join(said)


def _tell_the_reason(reason: str, problems: Sequence[Problem]) -> bool:
    """Whether what is open says already, and better, why the number does not send."""
    codes = _TOLD_BY.get(reason, frozenset())
    return any(problem.code in codes or reason.rstrip(".") in problem.says for problem in problems)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


async def ping(database: Database) -> None:
    """Nothing, when Postgres answers; else one of DATABASE_ERRORS."""
    async with database.transaction() as connection:
        await connection.execute(text("SELECT 1"))
