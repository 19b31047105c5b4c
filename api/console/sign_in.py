"""The way in and out."""

from http import HTTPStatus

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from api.console.office import SIGN_IN, Visit, office_of, own_page, signed_in, text
from store.errors import TooManyAttemptsError
from store.sessions import end_all_sessions, end_session

log = structlog.get_logger(__name__)

_LONGEST_PASSWORD = 4096


async def form(request: Request) -> Response:
    """Ask for e-mail address and password."""
    if await office_of(request).sessions.current(request) is not None:
        return RedirectResponse(own_page(request.query_params.get("next", "")), 303)
    return _form(request)


async def enter(request: Request) -> Response:
    """Sign in, or say what is wrong and keep what was typed."""
    office = office_of(request)
    fields = await request.form(max_files=0, max_fields=10)
    expected = office.sessions.visitor_token(request.cookies.get(office.sessions.visitor_cookie, ""))
    office.sessions.check(request, expected, text(fields, "csrf"))
    email, password = text(fields, "email"), str(fields.get("password", ""))
    onward = own_page(text(fields, "next"))
    if not email or not password or len(password) > _LONGEST_PASSWORD:
        return _form(request, email=email, onward=onward, problem="Enter your e-mail address and your password.")
    address = request.client.host if request.client else ""
    try:
        token = await office.sign_in(email=email, password=password, address=address)
    except TooManyAttemptsError as refusal:
        log.warning("console.sign_in_refused", reason="throttled")
        answer = _form(request, email=email, onward=onward, problem=f"{refusal.detail} {refusal.next_step}", status=429)
        answer.headers["Retry-After"] = str(int(refusal.wait.total_seconds()))
        return answer
    if token is None:
        log.info("console.sign_in_refused", reason="wrong")
        problem = "E-mail address and password do not belong together, or the account is disabled."
        return _form(request, email=email, onward=onward, problem=problem)
    went = RedirectResponse(onward, 303)
    office.sessions.remember(went, token)
    return went


async def leave(visit: Visit) -> Response:
    """Sign out here, or everywhere."""
    fields = await visit.form()
    if text(fields, "where") == "everywhere":
        await end_all_sessions(visit.database, visit.session.person)
    else:
        await end_session(visit.database, visit.session)
    gone = RedirectResponse(f"{SIGN_IN}?said=signed-out", 303)
    visit.office.sessions.forget(gone)
    return gone


def _form(
    request: Request, *, email: str = "", onward: str = "", problem: str = "", status: int = HTTPStatus.OK
) -> Response:
    office = office_of(request)
    visitor = office.sessions.visitor(request)
    answer = office.pages.show(
        request,
        "sign_in.html",
        status=HTTPStatus.UNPROCESSABLE_ENTITY if problem and status == HTTPStatus.OK else status,
        csrf=office.sessions.visitor_token(visitor),
        email=email,
        onward=onward or own_page(request.query_params.get("next", "")),
        problem=problem,
        signed_out=request.query_params.get("said") == "signed-out",
    )
    office.sessions.remember_visitor(answer, visitor)
    return answer


ROUTES = [
    Route(SIGN_IN, form, methods=["GET"]),
    Route(SIGN_IN, enter, methods=["POST"]),
    Route("/console/sign-out", signed_in(leave), methods=["POST"]),
]
