"""Onboardings: the list, and the page of one: what happened, what is waited for, and the form for just that."""

from typing import Any
from uuid import UUID

import segno
from markupsafe import Markup
from starlette.responses import Response
from starlette.routing import Route

from api.console.office import Visit, back, signed_in, text
from api.console.telling import STEP_STATES, STEP_TITLES, WAYS, is_locked, of_onboarding
from store import onboarding_answers
from store.errors import HoldfastError, InvalidRequestError
from store.paging import PageRequest
from store.reading.onboardings import Onboarding, OnboardingState, list_onboardings, read_onboarding
from workflows.onboarding_contracts import Act

PATH = "/console/onboardings"
_STATES: tuple[OnboardingState, ...] = ("running", "live", "failed", "cancelled")
_PER_PAGE = 25
_GREETING = "?text=Hello"


async def listed(visit: Visit) -> Response:
    """Every onboarding, the newest first."""
    query = visit.request.query_params
    state = next((state for state in _STATES if state == query.get("state")), None)
    wanted = PageRequest(query.get("cursor"), _PER_PAGE)
    page = await list_onboardings(visit.database, visit.session.organization_id, wanted, state=state)
    return visit.show(
        "onboardings.html",
        onboardings=[(onboarding, of_onboarding(onboarding)) for onboarding in page.items],
        ways=WAYS,
        states=_STATES,
        chosen=state,
        next_cursor=page.next_cursor,
        first=query.get("cursor") is None,
    )


async def show(visit: Visit) -> Response:
    """One onboarding."""
    return _page(visit, await _read(visit))


async def act(visit: Visit) -> Response:
    """What a person does with it: stored, then its run is told; what is refused is said beside the form."""
    form = await visit.form()
    do = text(form, "do")
    if do == "show-pin":
        return await _show_pin(visit)
    try:
        told = await _store(visit, do, text(form, "phone_number_id"), text(form, "pin"))
    except InvalidRequestError as refusal:
        return _page(visit, await _read(visit), problem=_beside(do, refusal), status=422)
    visit.office.wakes.acted(_id(visit), told)
    return back(f"{PATH}/{_id(visit)}")


async def _store(visit: Visit, do: str, phone_number_id: str, pin: str) -> Act:
    which: dict[str, Any] = _which(visit)
    database = visit.database
    match do:
        case "number":
            await onboarding_answers.choose_number(database, phone_number_id=phone_number_id, **which)
            return "number"
        case "pin":
            await onboarding_answers.give_pin(database, visit.office.ring, pin=pin, **which)
            return "pin"
        case "retry":
            await onboarding_answers.retry(database, **which)
            return "retry"
        case "decline-proof":
            await onboarding_answers.decline_proof(database, **which)
            return "proof"
        case "cancel":
            await onboarding_answers.ask_cancel(database, **which)
            return "cancel"
    raise InvalidRequestError("The form is not one of this page.", next_step="Load the page again.")


async def _show_pin(visit: Visit) -> Response:
    pin = await onboarding_answers.show_pin(visit.database, visit.office.ring, **_which(visit))
    return visit.show("pin.html", pin=pin, onboarding=await _read(visit))


def _beside(do: str, refusal: HoldfastError) -> str:
    if do == "pin":
        return "A PIN has six digits."
    if do == "number":
        return "Choose one of the numbers."
    return f"{refusal.detail} {refusal.next_step}"


def _which(visit: Visit) -> dict[str, Any]:
    return {
        "organization_id": visit.session.organization_id,
        "onboarding_id": _id(visit),
        "actor": visit.by,
    }


def _id(visit: Visit) -> UUID:
    onboarding_id: UUID = visit.request.path_params["onboarding_id"]
    return onboarding_id


async def _read(visit: Visit) -> Onboarding:
    return await read_onboarding(visit.database, visit.session.organization_id, _id(visit))


def _page(visit: Visit, onboarding: Onboarding, *, problem: str = "", status: int = 200) -> Response:
    link = onboarding.proof.link
    return visit.show(
        "onboarding.html",
        status=status,
        onboarding=onboarding,
        headline=of_onboarding(onboarding),
        present=next((step for step in onboarding.steps if step.step == onboarding.step), None),
        titles=STEP_TITLES,
        states=STEP_STATES,
        ways=WAYS,
        problem=problem,
        locked=is_locked(onboarding),
        wa_me=f"{link}{_GREETING}" if link else None,
        qr=_qr(f"{link}{_GREETING}") if link and onboarding.waiting_for == "proof" else None,
    )


def _qr(link: str) -> Markup:
    """A QR code as inline SVG, dark on light in both colour schemes: cameras want it so."""
    code = segno.make(link, error="m")
    drawn = code.svg_inline(border=3, dark="#111", light="#fff", omitsize=True, svgclass="qr", lineclass=None)
    return Markup(drawn)  # noqa: S704 - drawn by segno: paths and no text


ROUTES = [
    Route(PATH, signed_in(listed), methods=["GET"]),
    Route(PATH + "/{onboarding_id:uuid}", signed_in(show), methods=["GET"]),
    Route(PATH + "/{onboarding_id:uuid}", signed_in(act), methods=["POST"]),
]
