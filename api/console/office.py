"""What the pages work with, and how each is reached: signed in, with a form that a page of ours made."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from starlette.datastructures import FormData, State
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from api.console.pages import Pages
from api.console.sessions import BrowserSessions
from api.wakes import Wakes
from settings import Settings
from store.audit import By
from store.engine import Database
from store.errors import ForbiddenError
from store.hashing import KeyedHash
from store.passwords import Passwords
from store.sealing import KeyRing
from store.sessions import Session
from store.signing_in import SignIn

SIGN_IN = "/console/sign-in"
HOME = "/console"
_LARGEST_FIELD = 64 * 1024
_MOST_FIELDS = 50

Endpoint = Callable[[Request], Awaitable[Response]]
SignedInEndpoint = Callable[["Visit"], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Office:
    """What every page of the console may need."""

    settings: Settings
    database: Database
    keyed_hash: KeyedHash
    ring: KeyRing
    sessions: BrowserSessions
    passwords: Passwords
    sign_in: SignIn
    pages: Pages
    api: State
    """The state of the API that the console is part of."""

    @property
    def wakes(self) -> Wakes:
        """The way to the onboardings' runs."""
        wakes: Wakes = self.api.wakes
        return wakes


@dataclass(frozen=True, slots=True)
class Visit:
    """A request of somebody who is signed in."""

    request: Request
    office: Office
    session: Session

    @property
    def database(self) -> Database:
        """The record."""
        return self.office.database

    @property
    def by(self) -> By:
        """Who does what is done by this request."""
        return By("person", self.session.person.id)

    def show(
        self, template: str, *, status: int = 200, headers: dict[str, str] | None = None, **values: Any
    ) -> Response:
        """A page with the navigation above it."""
        csrf = self.office.sessions.csrf_token(self.session)
        return self.office.pages.show(
            self.request, template, status=status, headers=headers, session=self.session, csrf=csrf, **values
        )

    async def form(self) -> FormData:
        """The fields that were sent.

        Raises:
            ForbiddenError: no page of ours, made for this session, sent them.
        """
        form = await self.request.form(max_files=0, max_fields=_MOST_FIELDS, max_part_size=_LARGEST_FIELD)
        self.office.sessions.check(self.request, self.office.sessions.csrf_token(self.session), text(form, "csrf"))
        return form

    def only_owners(self) -> None:
        """Let nobody else on.

        Raises:
            ForbiddenError: a member asks.
        """
        if self.session.person.role != "owner":
            raise ForbiddenError("Only owners may do this.")


def signed_in(endpoint: SignedInEndpoint) -> Endpoint:
    """Let a page be seen by whoever is signed in; anybody else signs in first and comes back."""

    async def visited(request: Request) -> Response:
        office = office_of(request)
        session = await office.sessions.current(request)
        if session is None:
            return RedirectResponse(_way_in(request), 303)
        return await endpoint(Visit(request, office, session))

    return visited


def office_of(request: Request) -> Office:
    """What the pages work with."""
    office: Office = request.app.state.office
    return office


def text(form: FormData, name: str) -> str:
    """A field as it was typed, trimmed; empty when it is missing."""
    value = form.get(name)
    return value.strip() if isinstance(value, str) else ""


def back(path: str, said: str = "") -> Response:
    """To a page after a form; `said` names the sentence that it shows (see `notices`)."""
    return RedirectResponse(f"{path}?said={quote(said)}" if said else path, 303)


def own_page(path: str) -> str:
    """A page to go on to: the one given if it is one of ours, else the first."""
    parts = urlsplit(path)
    ours = parts.path == HOME or parts.path.startswith(f"{HOME}/")
    if parts.scheme or parts.netloc or not ours or any(char in path for char in "\\\r\n\t"):
        return HOME
    return path


def _way_in(request: Request) -> str:
    if request.method != "GET" or request.url.path == HOME:
        return SIGN_IN
    page = request.url.path + (f"?{request.url.query}" if request.url.query else "")
    return f"{SIGN_IN}?next={quote(page)}"
