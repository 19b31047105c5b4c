"""What a page shows of an onboarding: where it stands, step by step, for whom it waits and what they have to do."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.errors import NotFoundError
from store.onboarding_rows import PIN_CAN_BE_SHOWN
from store.paging import Keyset, Page, PageRequest
from store.tables import onboarding_steps, onboardings

_ORDER = Keyset("onboardings", onboardings.c.created_at, onboardings.c.id)

OnboardingState = Literal["running", "live", "failed", "cancelled"]


@dataclass(frozen=True, slots=True)
class OnboardingStep:
    """One step and what came of it."""

    step: str
    position: int
    state: str
    """`pending`, `running`, `done`, `skipped`, `waiting`, `failed` or `undone`."""
    attempts: int
    says: str | None
    """What happened, in words."""
    next_step: str | None
    """What to do."""
    meta_code: int | None
    """Meta's own answer, for the fold."""
    meta_subcode: int | None
    meta_detail: str | None
    fbtrace_id: str | None
    began_at: datetime | None
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """A number to choose."""

    waba_id: str
    phone_number_id: str
    phone_number: str
    verified_name: str | None
    taken: str | None
    """Null when it is free; `here`: connected already, it would get the new token; `elsewhere`: by another
    organization."""


@dataclass(frozen=True, slots=True)
class ConnectedNumber:
    """The number that is being connected."""

    waba_id: str | None
    phone_number_id: str
    phone_number: str | None
    verified_name: str | None


@dataclass(frozen=True, slots=True)
class Blocker:
    """What blocks or limits sending, found by the check."""

    code: str
    severity: str
    """`notice`, `warning` or `error`."""
    says: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Proof:
    """Whether a message has proven the number, and the link by which one is written."""

    kind: str | None
    """`inbound`, `template`, `declined`, or null as long as nothing proves it."""
    wamid: str | None
    proved_at: datetime | None
    link: str | None
    """Opens a chat with the number (`https://wa.me/…`)."""


@dataclass(frozen=True, slots=True)
class OnboardingError:
    """Why it ended without a number."""

    code: str
    """A heading of docs/errors.md."""
    detail: str
    next_step: str


@dataclass(frozen=True, slots=True)
class Onboarding:
    """One onboarding; no secret is in it."""

    id: UUID
    agent_flow_id: UUID
    way: str
    """`popup`, `frontend`, `redirect`, `by_hand` or `recovery`."""
    state: OnboardingState
    """`live`: the number is connected; its proof may still be awaited (`ended_at` is null then)."""
    step: str
    """Where it stands."""
    waiting_for: str | None
    """What a person has to do: give a `code`, a `number`, a `pin`, a `retry` or a `proof`."""
    waiting_since: datetime | None
    says: str | None
    """What the present step says."""
    next_step: str | None
    candidates: list[Candidate]
    number: ConnectedNumber | None
    blockers: list[Blocker]
    proof: Proof
    error: OnboardingError | None
    pin_to_be_shown: bool
    """A PIN that we made can be shown, once."""
    coexistence: bool
    register_not_before: datetime | None
    """Meta takes no further attempt at registering before."""
    integration_id: UUID | None
    reconnects_id: UUID | None
    started_by: UUID | None
    cancel_requested_at: datetime | None
    created_at: datetime
    changed_at: datetime | None
    ended_at: datetime | None
    steps: list[OnboardingStep]


async def read_onboarding(database: Database, organization_id: UUID, onboarding_id: UUID) -> Onboarding:
    """One onboarding.

    Raises:
        NotFoundError: the organization has none of this id.
    """
    query = _query(organization_id).where(onboardings.c.id == onboarding_id)
    async with database.transaction() as connection:
        row = (await connection.execute(query)).mappings().one_or_none()
        if row is None:
            raise NotFoundError("There is no such onboarding.")
        steps = await _steps(connection, [onboarding_id])
    return _onboarding(row, steps[onboarding_id])


async def list_onboardings(
    database: Database, organization_id: UUID, wanted: PageRequest, *, state: OnboardingState | None = None
) -> Page[Onboarding]:
    """The organization's onboardings, the newest first; with `state`, only those in it."""
    query = _query(organization_id)
    if state is not None:
        query = query.where(onboardings.c.state == state)
    async with database.transaction() as connection:
        page = await _ORDER.page(connection, query, wanted, make=lambda row: row)
        steps = await _steps(connection, [row["id"] for row in page.items])
    return Page([_onboarding(row, steps[row["id"]]) for row in page.items], page.next_cursor)


def _query(organization_id: UUID) -> Select[Any]:
    return select(onboardings, PIN_CAN_BE_SHOWN).where(onboardings.c.organization_id == organization_id)


async def _steps(connection: AsyncConnection, onboarding_ids: Sequence[UUID]) -> defaultdict[UUID, list[Any]]:
    query = select(onboarding_steps).where(onboarding_steps.c.onboarding_id.in_(onboarding_ids))
    found: defaultdict[UUID, list[Any]] = defaultdict(list)
    for row in await connection.execute(query.order_by(onboarding_steps.c.position)):
        found[row.onboarding_id].append(row)
    return found


def _onboarding(row: Any, steps: Sequence[Any]) -> Onboarding:
    present = next((step for step in steps if step.step == row["step"]), None)
    return Onboarding(
        id=row["id"],
        agent_flow_id=row["agent_flow_id"],
        way=row["way"],
        state=row["state"],
        step=row["step"],
        waiting_for=row["waiting_for"],
        waiting_since=row["waiting_since"],
        says=present.says if present else None,
        next_step=present.next_step if present else None,
        candidates=[_candidate(one) for one in row["candidates"] or []],
        number=_number(row),
        blockers=[Blocker(**one) for one in row["blockers"]],
        proof=Proof(row["proof"], row["proof_wamid"], row["proved_at"], _link(row["phone_number"])),
        error=_error(row),
        pin_to_be_shown=row["pin_can_be_shown"],
        coexistence=row["coexistence"],
        register_not_before=row["register_not_before"],
        integration_id=row["integration_id"],
        reconnects_id=row["reconnects_id"],
        started_by=row["started_by"],
        cancel_requested_at=row["cancel_requested_at"],
        created_at=row["created_at"],
        changed_at=row["changed_at"],
        ended_at=row["ended_at"],
        steps=[_step(step) for step in steps],
    )


def _step(row: Any) -> OnboardingStep:
    return OnboardingStep(
        step=row.step,
        position=row.position,
        state=row.state,
        attempts=row.attempts,
        says=row.says,
        next_step=row.next_step,
        meta_code=row.meta_code,
        meta_subcode=row.meta_subcode,
        meta_detail=row.meta_detail,
        fbtrace_id=row.fbtrace_id,
        began_at=row.began_at,
        ended_at=row.ended_at,
    )


def _candidate(one: Any) -> Candidate:
    return Candidate(
        waba_id=one["waba_id"],
        phone_number_id=one["phone_number_id"],
        phone_number=one["phone_number"],
        verified_name=one["verified_name"],
        taken=one["taken"],
    )


def _number(row: Any) -> ConnectedNumber | None:
    if row["phone_number_id"] is None:
        return None
    return ConnectedNumber(row["waba_id"], row["phone_number_id"], row["phone_number"], row["verified_name"])


def _error(row: Any) -> OnboardingError | None:
    if row["error_code"] is None:
        return None
    return OnboardingError(row["error_code"], row["error_detail"] or "", row["next_step"] or "")


def _link(phone_number: str | None) -> str | None:
    digits = "".join(filter(str.isdigit, phone_number or ""))
    return f"https://wa.me/{digits}" if digits else None
