"""The console put together: its pages, its files, and every refusal as a page. Wiring only."""

from collections.abc import MutableMapping
from http import HTTPStatus
from typing import Any
from uuid import UUID

import structlog
from sqlalchemy.exc import DBAPIError
from starlette.applications import Starlette
from starlette.datastructures import State
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from api.console import connect, home, integrations, messages, onboardings, people, sign_in
from api.console.office import HOME, Office, office_of
from api.console.pages import HERE, STATIC, Pages
from api.console.policy import page_headers
from api.console.sessions import BrowserSessions
from api.problems import AWAY, Report, UnexpectedErrors, is_away
from settings import Settings
from store.engine import Database
from store.errors import HoldfastError, NotFoundError, UnavailableError
from store.hashing import KeyedHash
from store.passwords import Passwords
from store.sealing import KeyRing
from store.signing_in import SignIn, Throttle

log = structlog.get_logger(__name__)


def is_console(path: str) -> bool:
    """Whether a path is one of the console's."""
    return path == HOME or path.startswith(f"{HOME}/")


def create_console(
    settings: Settings, *, database: Database, keyed_hash: KeyedHash, ring: KeyRing, api: State, report: Report
) -> Starlette:
    """The pages as an application of their own, at whole paths (`/console/…`); `api` is the state of the API's.

    Gives the API `state.sessions`: whoever is signed in here may call it.
    """
    rules = settings.console
    sessions = BrowserSessions(database, keyed_hash, rules.public_url, rules.session_life)
    passwords = Passwords()
    throttle = Throttle(rules.sign_in_attempts, rules.sign_in_window)
    signing_in = SignIn(database, keyed_hash, passwords, throttle, rules.session_life)
    pages = Pages()
    rooms = (sign_in, home, connect, onboardings, integrations, messages, people)
    console = Starlette(
        routes=[Mount(STATIC, _Files(directory=HERE / "static")), *(route for room in rooms for route in room.ROUTES)],
        middleware=[Middleware(UnexpectedErrors, report=report, answer=_unexpected(pages))],
        exception_handlers={HoldfastError: _refused, HTTPException: _http} | dict.fromkeys(AWAY, _database_away),
    )
    api.office = Office(settings, database, keyed_hash, ring, sessions, passwords, signing_in, pages, api)
    api.sessions = sessions
    console.state = api  # what the API does for a request, the pages can ask it to do for theirs
    return console


class _Files(StaticFiles):
    """Our own files: a browser asks each time whether its copy is still good, so that a deploy shows at once."""

    async def get_response(self, path: str, scope: MutableMapping[str, Any]) -> Response:
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["X-Content-Type-Options"] = "nosniff"
        response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
        return response


async def _refused(request: Request, error: Exception) -> Response:
    if not isinstance(error, HoldfastError):
        raise error
    office = office_of(request)
    session = getattr(request.state, "session", None)
    return office.pages.show(
        request,
        "refused.html",
        status=error.http_status,
        session=session,
        csrf="" if session is None else office.sessions.csrf_token(session),
        code=error.code,
        detail=error.detail,
        next_step=error.next_step,
    )


async def _http(request: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    if error.status_code == HTTPStatus.NOT_FOUND:
        lost = NotFoundError("There is no page at this address.", next_step="Check the address, or go to your numbers.")
        return await _refused(request, lost)
    said = HoldfastError(f"{HTTPStatus(error.status_code).phrase}.", next_step="Go back and try it another way.")
    said.http_status = error.status_code
    return await _refused(request, said)


async def _database_away(request: Request, error: Exception) -> Response:
    if isinstance(error, DBAPIError) and not is_away(error):
        raise error
    log.warning("console.database_away", path=request.url.path, reason=type(error).__name__)
    said = UnavailableError("The database does not answer.", next_step="Nothing was changed. Try again in a moment.")
    return await _refused(request, said)


def _unexpected(pages: Pages) -> Any:
    def answer(error_id: UUID) -> Response:
        page = pages.render("unexpected.html", error_id=error_id)
        return HTMLResponse(page, HTTPStatus.INTERNAL_SERVER_ERROR, headers=page_headers())

    return answer
