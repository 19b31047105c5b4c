"""What people do with an onboarding that waits for them; what they give is in the row before its run is told."""

import re
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, onboarding_rows
from store.audit import OURSELVES, By
from store.engine import Database
from store.errors import ConflictError, InvalidRequestError, NotWaitedForError
from store.holders import check_free
from store.onboarding_rows import NO_LONGER_WAITING
from store.onboardings import not_alone, seal, unseal
from store.sealing import KeyRing
from store.tables import onboarding_steps

_PIN = re.compile(r"[0-9]{6}")
_WAITS = {
    "code": "for a code",
    "number": "for the choice of a number",
    "pin": "for a PIN",
    "retry": "for another try",
    "proof": "for a first message",
    None: "for nobody",
}


async def give_code(
    database: Database, ring: KeyRing, *, organization_id: UUID, onboarding_id: UUID, code: str, actor: By = OURSELVES
) -> None:
    """Give a recovered onboarding the code of a new sign-in; it lives 30 s from now.

    Raises:
        NotFoundError, NotWaitedForError
    """
    values = {"code_sealed": seal(ring, "code_sealed", code, onboarding_id), "code_posted_at": None}
    async with database.transaction() as connection:
        await _waiting(connection, organization_id, onboarding_id, "code")
        received = {"code_received_at": func.clock_timestamp()}
        await _answered(connection, organization_id, onboarding_id, "code_given", values | received, actor)


async def give_pin(
    database: Database, ring: KeyRing, *, organization_id: UUID, onboarding_id: UUID, pin: str, actor: By = OURSELVES
) -> None:
    """Give the PIN of the number's two-step verification.

    Raises:
        InvalidRequestError: it is not six digits.
        NotFoundError, NotWaitedForError
    """
    if not (pin.isascii() and _PIN.fullmatch(pin)):
        raise InvalidRequestError("pin: must be six digits.")
    sealed = seal(ring, "pin_sealed", pin, onboarding_id)
    values = {"pin_sealed": sealed, "pin_origin": "person", "register_posted_at": None}
    async with database.transaction() as connection:
        await _waiting(connection, organization_id, onboarding_id, "pin")
        await _answered(connection, organization_id, onboarding_id, "pin_given", values, actor)


async def choose_number(
    database: Database, *, organization_id: UUID, onboarding_id: UUID, phone_number_id: str, actor: By = OURSELVES
) -> None:
    """Choose one of the candidates.

    Raises:
        InvalidRequestError: it is none of them.
        NumberTakenError: another organization holds it.
        OnboardingRunningError: it is being connected already.
        NotFoundError, NotWaitedForError
    """
    try:
        async with database.transaction() as connection:
            row = await _waiting(connection, organization_id, onboarding_id, "number")
            chosen = [one for one in row.candidates or [] if one["phone_number_id"] == phone_number_id]
            if not chosen:
                raise InvalidRequestError("phone_number_id: is none of the candidates.")
            await check_free(connection, organization_id, phone_number_id)
            names = ("waba_id", "business_id", "phone_number_id", "phone_number", "verified_name")
            values = {name: chosen[0].get(name) for name in names}
            await _answered(connection, organization_id, onboarding_id, "number_chosen", values, actor)
    except IntegrityError as error:
        raise not_alone(error) from None


async def retry(database: Database, *, organization_id: UUID, onboarding_id: UUID, actor: By = OURSELVES) -> None:
    """Have the step taken again, now that what was wrong is repaired.

    Raises:
        NotWaitedForError: it does not wait for that, or Meta takes no attempt yet.
        NotFoundError
    """
    async with database.transaction() as connection:
        row = await _waiting(connection, organization_id, onboarding_id, "retry")
        if row.step == "register" and row.register_not_before is not None and row.register_not_before > row.now:
            until = row.register_not_before.strftime("%Y-%m-%d %H:%M UTC")
            raise NotWaitedForError(f"Meta takes no further attempt before {until}.", next_step="Wait until then.")
        values = {"register_posted_at": None} if row.step == "register" else {}
        await _answered(connection, organization_id, onboarding_id, "retried", values, actor)


async def decline_proof(
    database: Database, *, organization_id: UUID, onboarding_id: UUID, actor: By = OURSELVES
) -> None:
    """Go without a first message: the number stays connected, nothing has proven that messages arrive.

    Raises:
        NotFoundError, NotWaitedForError
    """
    async with database.transaction() as connection:
        await _waiting(connection, organization_id, onboarding_id, "proof")
        await _answered(connection, organization_id, onboarding_id, "proof_declined", {"proof": "declined"}, actor)


async def ask_cancel(database: Database, *, organization_id: UUID, onboarding_id: UUID, actor: By = OURSELVES) -> None:
    """Ask for an end: what was done is taken back. Asked twice, nothing changes.

    Raises:
        NotWaitedForError: it has ended.
        NotFoundError
    """
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, onboarding_id, organization_id=organization_id)
        if row.ended_at is not None:
            raise NotWaitedForError("The onboarding has ended.")
        if row.cancel_requested_at is None:
            values = {"cancel_requested_at": func.clock_timestamp()}
            await _record(connection, organization_id, onboarding_id, "cancel_requested", values, actor)


async def show_pin(
    database: Database, ring: KeyRing, *, organization_id: UUID, onboarding_id: UUID, actor: By = OURSELVES
) -> str:
    """The PIN that we made for the number, once.

    Raises:
        ConflictError: none was made, it is not set at Meta yet, or it was shown before.
        NotFoundError
    """
    async with database.transaction() as connection:
        row = await onboarding_rows.lock(connection, onboarding_id, organization_id=organization_id)
        if row.pin_shown_at is not None:
            raise ConflictError(
                "The PIN was shown before; it is shown once.",
                next_step="If it is lost, set another one in WhatsApp Manager.",
            )
        if not row.pin_can_be_shown:
            raise ConflictError("There is no PIN of ours to be shown.")
        pin = unseal(ring, "pin_sealed", row.pin_sealed, onboarding_id)
        values = {"pin_sealed": None, "pin_shown_at": func.clock_timestamp()}
        await onboarding_rows.change(connection, onboarding_id, values)
        await _note(connection, organization_id, onboarding_id, "pin_shown", actor)
    return pin


async def _waiting(connection: AsyncConnection, organization_id: UUID, onboarding_id: UUID, wait: str) -> Any:
    row = await onboarding_rows.lock(connection, onboarding_id, organization_id=organization_id)
    if row.ended_at is not None:
        raise NotWaitedForError("The onboarding has ended.")
    if row.cancel_requested_at is not None:
        raise NotWaitedForError("The onboarding is being cancelled.")
    if row.waiting_for != wait:
        raise NotWaitedForError(f"The onboarding waits {_WAITS[row.waiting_for]}, not {_WAITS[wait]}.")
    return row


async def _answered(
    connection: AsyncConnection,
    organization_id: UUID,
    onboarding_id: UUID,
    action: str,
    values: Mapping[str, Any],
    actor: By,
) -> None:
    steps = onboarding_steps
    waiting = (steps.c.onboarding_id == onboarding_id, steps.c.state == "waiting")
    going_on = {"state": "pending", "says": "Your answer is here; it goes on.", "next_step": None}
    await connection.execute(update(steps).where(*waiting).values(going_on))
    await _record(connection, organization_id, onboarding_id, action, {**values, **NO_LONGER_WAITING}, actor)


async def _record(
    connection: AsyncConnection,
    organization_id: UUID,
    onboarding_id: UUID,
    action: str,
    values: Mapping[str, Any],
    actor: By,
) -> None:
    await onboarding_rows.change(connection, onboarding_id, values)
    await onboarding_rows.mark_due(connection, onboarding_id)
    await _note(connection, organization_id, onboarding_id, action, actor)


async def _note(
    connection: AsyncConnection, organization_id: UUID, onboarding_id: UUID, action: str, actor: By
) -> None:
    await audit.note(
        connection,
        organization_id=organization_id,
        action=f"onboarding.{action}",
        subject_id=onboarding_id,
        actor=actor.actor,
        actor_id=actor.actor_id,
    )
