"""Onboardings begin here: the row and its steps, the secrets sealed, the mark that has a run started for it."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, onboarding_rows
from store.audit import By
from store.engine import Database
from store.errors import ConflictError, InvalidRequestError, NotFoundError
from store.holders import check_free
from store.ids import new_id
from store.sealing import KeyRing
from store.tables import agent_flows, integrations, onboarding_steps, onboardings
from store.tables.onboardings import ONBOARDING_STEPS

Way = Literal["popup", "frontend", "redirect", "recovery"]
_GIVEN = ("exchange", "inspect", "find")
_BY_HAND = "Not needed: the token and the number were entered by hand."
_CODE_MOST = 4096


class OnboardingRunningError(ConflictError):
    """Another onboarding works on this number."""

    code = "onboarding_running"
    next_step = "Go on with that onboarding, or cancel it and start again."


@dataclass(frozen=True, slots=True)
class Hints:
    """What the browser told of the signup: verified with the token before use."""

    event: str | None = None
    """`FINISH`, `FINISH_ONLY_WABA`, `FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING` …"""
    waba_id: str | None = None
    phone_number_id: str | None = None
    business_id: str | None = None


@dataclass(frozen=True, slots=True)
class HandedToken:
    """An access token that the caller has had inspected: ours, valid, with both scopes."""

    value: str = field(repr=False)
    type: str = "SYSTEM_USER"
    expires_at: datetime | None = None
    scopes: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class NumberIds:
    """A number and its account, as Meta names them."""

    waba_id: str
    phone_number_id: str
    phone_number: str
    """In full, with "+"."""
    business_id: str | None = None
    verified_name: str | None = None


async def start_onboarding(  # noqa: PLR0913 - each is a fact of its own that only the caller knows
    database: Database,
    ring: KeyRing,
    *,
    organization_id: UUID,
    agent_flow_id: UUID,
    way: Way,
    code: str | None,
    redirect_uri: str | None = None,
    hints: Hints = Hints(),
    coexistence: bool = False,
    started_by: UUID | None = None,
    reconnects_id: UUID | None = None,
    by: By | None = None,
) -> UUID:
    """Begin an onboarding with Meta's code (none: of a recovery, which waits for one); answers its id.

    The code is sealed and lives 30 s from now: wake the run at once. `redirect_uri` is redirect OAuth's, to the letter.
    `reconnects_id` names the integration that is to get a new token.

    Raises:
        NotFoundError: the organization has no such agent flow or integration.
        InvalidRequestError: there is no code, or it is none.
    """
    if (code is None and way != "recovery") or (code is not None and not 0 < len(code) <= _CODE_MOST):
        raise InvalidRequestError("code: Meta's code is missing or far too long.")
    onboarding_id = new_id()
    row = {
        "way": way,
        "code_sealed": code if code is None else seal(ring, "code_sealed", code, onboarding_id),
        "code_received_at": None if code is None else func.clock_timestamp(),
        "redirect_uri": redirect_uri,
        "hints": {name: value for name, value in asdict(hints).items() if value is not None},
        "coexistence": coexistence,
    }
    owner = {"organization_id": organization_id, "agent_flow_id": agent_flow_id, "reconnects_id": reconnects_id}
    async with database.transaction() as connection:
        values = {"id": onboarding_id, **owner, **row, "started_by": started_by}
        await _insert(connection, values, skipped=(), by=by or _starter(started_by))
    return onboarding_id


async def start_by_hand(  # noqa: PLR0913 - each is a fact of its own that only the caller knows
    database: Database,
    ring: KeyRing,
    *,
    organization_id: UUID,
    agent_flow_id: UUID,
    number: NumberIds,
    token: HandedToken,
    verify_token: str | None = None,
    enabled: bool = True,
    started_by: UUID | None = None,
    reconnects_id: UUID | None = None,
    by: By | None = None,
) -> UUID:
    """Begin with a token and a number that were entered by hand and that the caller has verified; answers its id.

    The steps up to the number are skipped, all others are those of any onboarding. `verify_token` None: a random one.

    Raises:
        NotFoundError: the organization has no such agent flow or integration.
        NumberTakenError: another organization holds the number.
        OnboardingRunningError: the number is being connected already.
    """
    onboarding_id = new_id()
    row = {
        "id": onboarding_id,
        "organization_id": organization_id,
        "agent_flow_id": agent_flow_id,
        "reconnects_id": reconnects_id,
        "started_by": started_by,
        "way": "by_hand",
        "step": "connect",
        "token_sealed": seal(ring, "token_sealed", token.value, onboarding_id),
        "token_type": token.type,
        "token_expires_at": token.expires_at,
        "token_scopes": list(token.scopes),
        "token_last4": token.value[-4:],
        "verify_token_sealed": verify_token and seal(ring, "verify_token_sealed", verify_token, onboarding_id),
        "enabled": enabled,
    }
    try:
        async with database.transaction() as connection:
            await check_free(connection, organization_id, number.phone_number_id)
            await _insert(connection, row | asdict(number), skipped=_GIVEN, by=by or _starter(started_by))
    except IntegrityError as error:
        raise not_alone(error) from None
    return onboarding_id


def not_alone(error: IntegrityError) -> Exception:
    """What a row means that Postgres refused: the number is being connected already, unless it is something else."""
    if "uq_onboardings_phone_number_id_running" in str(error.orig):
        return OnboardingRunningError("This number is being connected already.")
    return error


def seal(ring: KeyRing, column: str, value: str, onboarding_id: UUID) -> bytes:
    """A secret of an onboarding, as its row keeps it."""
    return ring.seal(value, table="onboardings", column=column, row=onboarding_id)


def unseal(ring: KeyRing, column: str, sealed: bytes, onboarding_id: UUID) -> str:
    """A secret of an onboarding.

    Raises:
        SealingError: its key is not in the ring, or it was sealed for another place.
    """
    return ring.open(sealed, table="onboardings", column=column, row=onboarding_id)


def _starter(started_by: UUID | None) -> By:
    return By("holdfast") if started_by is None else By("person", started_by)


async def _insert(connection: AsyncConnection, values: Mapping[str, Any], *, skipped: Sequence[str], by: By) -> None:
    organization_id, onboarding_id = values["organization_id"], values["id"]
    await _check_owned(connection, organization_id, values["agent_flow_id"], values["reconnects_id"])
    await connection.execute(insert(onboardings).values({**values, "changed_at": func.clock_timestamp()}))
    owner = {"onboarding_id": onboarding_id, "organization_id": organization_id}
    steps = [
        {
            **owner,
            "step": step,
            "position": position,
            "state": "skipped" if step in skipped else "pending",
            "says": _BY_HAND if step in skipped else None,
        }
        for position, step in enumerate(ONBOARDING_STEPS, start=1)
    ]
    await connection.execute(insert(onboarding_steps), steps)
    await onboarding_rows.mark_due(connection, onboarding_id)
    await onboarding_rows.tell(connection, onboarding_id)
    await audit.note(
        connection,
        organization_id=organization_id,
        action="onboarding.started",
        subject_id=onboarding_id,
        actor=by.actor,
        actor_id=by.actor_id,
        detail={"way": values["way"]},
    )


async def _check_owned(
    connection: AsyncConnection, organization_id: UUID, agent_flow_id: UUID, integration_id: UUID | None
) -> None:
    wanted = [(agent_flows, agent_flow_id, "agent flow")]
    if integration_id is not None:
        wanted.append((integrations, integration_id, "integration"))
    for table, row_id, name in wanted:
        query = select(table.c.id).where(table.c.id == row_id, table.c.organization_id == organization_id)
        if (await connection.execute(query)).one_or_none() is None:
            raise NotFoundError(f"This organization has no such {name}.")
