"""Who sits at the browser: the session cookie, and the proof that a request was made by a page of ours."""

import base64
import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal, TypedDict
from urllib.parse import urlsplit
from uuid import UUID

from starlette.requests import Request
from starlette.responses import Response

from store.engine import Database
from store.errors import ForbiddenError
from store.hashing import KeyedHash
from store.sessions import Session, session_of

CSRF_HEADER = "X-CSRF-Token"
_SAFE = {"GET", "HEAD", "OPTIONS"}
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _CookieOptions(TypedDict):
    path: str
    secure: bool
    httponly: bool
    samesite: Literal["lax"]


@dataclass(frozen=True, slots=True)
class BrowserSessions:
    """Finds the session that a browser's cookie names, and refuses what a page of another site made it send.

    `public_url` is where browsers find us: with https the cookies are Secure and bound to the host (`__Host-`).
    SameSite is Lax: with Strict the way back from Facebook's login would arrive without a session.
    """

    database: Database
    keyed_hash: KeyedHash
    public_url: str
    life: timedelta

    @property
    def secure(self) -> bool:
        """Whether browsers reach us by https."""
        return urlsplit(self.public_url).scheme == "https"

    @property
    def cookie(self) -> str:
        """The name of the session's cookie."""
        return f"{'__Host-' if self.secure else ''}holdfast_session"

    @property
    def visitor_cookie(self) -> str:
        """The name of the cookie that ties the form to sign in to the browser that got it."""
        return f"{'__Host-' if self.secure else ''}holdfast_visitor"

    async def current(self, request: Request) -> Session | None:
        """Who is signed in, looked up once per request."""
        known: Session | None = getattr(request.state, "session", None)
        if known is None and (token := request.cookies.get(self.cookie)):
            known = await session_of(self.database, self.keyed_hash, token, life=self.life)
            request.state.session = known
        return known

    async def organization(self, request: Request) -> UUID | None:
        """Whom a request to the API speaks for by its cookie; None without a session. Sets `state.person_id`.

        Raises:
            ForbiddenError: it may change something and lacks the session's token, or another site's page sent it.
        """
        session = await self.current(request)
        if session is None:
            return None
        if request.method not in _SAFE:
            self.check(request, self.csrf_token(session), request.headers.get(CSRF_HEADER, ""))
        request.state.person_id = session.person.id
        return session.organization_id

    def csrf_token(self, session: Session) -> str:
        """What every form and fetch of this session carries."""
        return self._token(f"csrf of session {session.id}")

    def visitor_token(self, visitor: str) -> str:
        """What the form to sign in carries, before there is a session."""
        return self._token(f"csrf of visitor {visitor}")

    def check(self, request: Request, expected: str, given: str) -> None:
        """Make sure that a page of ours, made for this session, sent the request.

        Raises:
            ForbiddenError: it was not.
        """
        if not hmac.compare_digest(expected.encode(), given.encode()):
            raise ForbiddenError(
                "The page was made for another session.", next_step="Load the page again, then repeat what you did."
            )
        if not self._is_same_origin(request.headers):
            raise ForbiddenError(
                "The request came from a page of another site.", next_step=f"Open the console at {self.public_url}."
            )

    def remember(self, response: Response, token: str) -> None:
        """Give the browser its session."""
        response.set_cookie(self.cookie, token, max_age=int(self.life.total_seconds()), **self._options)

    def forget(self, response: Response) -> None:
        """Take the session from the browser; of our pages it has kept none."""
        response.delete_cookie(self.cookie, **self._options)

    def visitor(self, request: Request) -> str:
        """What this browser is known by before it signs in; a new one if it has none."""
        return request.cookies.get(self.visitor_cookie) or secrets.token_urlsafe(18)

    def remember_visitor(self, response: Response, visitor: str) -> None:
        """Let the browser carry it."""
        response.set_cookie(self.visitor_cookie, visitor, **self._options)

    @property
    def _options(self) -> _CookieOptions:
        return {"path": "/", "secure": self.secure, "httponly": True, "samesite": "lax"}

    def _token(self, what: str) -> str:
        return base64.urlsafe_b64encode(self.keyed_hash.digest(what)).decode().rstrip("=")

    def _is_same_origin(self, headers: Mapping[str, str]) -> bool:
        """By `Origin`, else by `Sec-Fetch-Site`; a client that sends neither is no browser that can be misled."""
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site", "same-origin") in {"same-origin", "none"}
        scheme = urlsplit(self.public_url).scheme
        ours = {_origin(self.public_url), _origin(f"{scheme}://{headers.get('host', '')}")}
        return _origin(origin) in ours - {None}


def _origin(url: str) -> tuple[str, str, int | None] | None:
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not host:
        return None
    return parts.scheme, host, port or _DEFAULT_PORTS.get(parts.scheme)
