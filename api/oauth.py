"""Redirect OAuth: to Meta's login dialog and back, bound to the organization and to the browser that set out.

Why state and secret and no PKCE: docs/decisions/0013-redirect-oauth-without-pkce.md.
"""

import secrets
from typing import Annotated
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit
from uuid import UUID

import structlog
from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, ConfigDict
from sqlalchemy.exc import DBAPIError
from starlette.responses import RedirectResponse, Response

from api.auth import Acting, Caller, Ring, Store
from api.examples import redirect
from api.problems import AWAY, is_away
from api.wakes import Nudge
from settings import Settings
from store import oauth_states
from store.engine import Database
from store.errors import HoldfastError, UnavailableError
from store.onboardings import start_onboarding
from store.sealing import KeyRing

log = structlog.get_logger(__name__)

PREFIXES = ("/api/v1/whatsapp/oauth", "/api/whatsapp/oauth")
_LONGEST_COOKIE = 100
_DECLINED = "access_denied"


class LoginDeclinedError(HoldfastError):
    """The person said no in Meta's dialog, or closed it there."""

    code = "login_declined"
    http_status = 400
    next_step = "Start again, and allow the access that Meta's dialog asks for."


class LoginFailedError(HoldfastError):
    """Meta's dialog came back without a code."""

    code = "login_failed"
    http_status = 400
    next_step = "Start again. If it lasts: compare app id, config id and redirect URIs with Meta's dashboard."


class Departure(BaseModel):
    """What the number will belong to."""

    model_config = ConfigDict(extra="forbid")

    agent_flow_id: UUID
    reconnects: UUID | None = None


class Return(BaseModel):
    """What the dialog brings back. A stranger may have made up all of it."""

    model_config = ConfigDict(hide_input_in_errors=True)

    state: str = ""
    code: str = ""
    error: str = ""


async def authorize(
    organization_id: Caller,
    by: Acting,
    database: Store,
    request: Request,
    departure: Annotated[Departure, Query()],
) -> Response:
    """Send the browser to Meta's login dialog, with a state that is good once, for ten minutes, in this browser."""
    settings: Settings = request.app.state.settings
    if not (settings.meta.app_id and settings.meta.config_id):
        raise UnavailableError("Our app at Meta is not set up.", next_step="Set META_APP_ID and META_CONFIG_ID.")
    browser = request.cookies.get(cookie_name(settings), "")
    if not 0 < len(browser) <= _LONGEST_COOKIE:
        browser = secrets.token_urlsafe(32)
    redirect_uri = _own(settings, request.url.path.removesuffix("/authorize") + "/callback")
    state = await oauth_states.begin(
        database,
        request.app.state.keyed_hash,
        organization_id=organization_id,
        agent_flow_id=departure.agent_flow_id,
        browser=browser,
        redirect_uri=redirect_uri,
        by=by,
        reconnects_id=departure.reconnects,
    )
    response = RedirectResponse(_dialog(settings, redirect_uri=redirect_uri, state=state), 303)
    secure = settings.console.public_url.startswith("https:")
    life = int(oauth_states.LIFE.total_seconds())
    response.set_cookie(
        cookie_name(settings), browser, max_age=life, path="/", secure=secure, httponly=True, samesite="lax"
    )
    return response


async def callback(
    database: Store, ring: Ring, wakes: Nudge, request: Request, came: Annotated[Return, Query()]
) -> Response:
    """Take what Meta's dialog brought: start the onboarding, and go on to the dashboard, which is told how it went."""
    settings: Settings = request.app.state.settings
    browser = request.cookies.get(cookie_name(settings), "")
    try:
        onboarding_id = await _start(database, ring, wakes, request=request, came=came, browser=browser)
    except HoldfastError as error:
        log.info("oauth.refused", reason=error.code)
        return _back(settings, {"whatsapp_error": error.code}, page="/console/connect")
    except AWAY as error:
        if isinstance(error, DBAPIError) and not is_away(error):
            raise
        log.warning("oauth.database_away", reason=type(error).__name__)
        return _back(settings, {"whatsapp_error": UnavailableError.code}, page="/console/connect")
    told = {"whatsapp_connected": "true", "onboarding": str(onboarding_id)}
    return _back(settings, told, page=f"/console/onboardings/{onboarding_id}")


def _make_router() -> APIRouter:
    """Both routes, under each of the paths that they have."""
    router = APIRouter(tags=["Onboarding"])
    for prefix in PREFIXES:
        router.add_api_route(
            f"{prefix}/authorize",
            authorize,
            status_code=303,
            response_class=RedirectResponse,
            responses=redirect("To Meta's login dialog.", 401, 404, 422, 503),
        )
        router.add_api_route(
            f"{prefix}/callback",
            callback,
            status_code=303,
            response_class=RedirectResponse,
            responses=redirect("To the dashboard.", 422),
        )
    return router


def cookie_name(settings: Settings) -> str:
    """The cookie that marks the browser; under https no other host of the domain can plant one of this name."""
    return "__Host-holdfast_oauth" if settings.console.public_url.startswith("https:") else "holdfast_oauth"


async def _start(
    database: Database, ring: KeyRing, wakes: Nudge, *, request: Request, came: Return, browser: str
) -> UUID:
    """Use the state up, and begin the onboarding that it stands for.

    Raises:
        HoldfastError: the state is not good, the person declined, or the code cannot be taken.
    """
    keyed_hash = request.app.state.keyed_hash
    state = await oauth_states.use(database, keyed_hash, state=came.state, browser=browser)
    if came.error == _DECLINED:
        raise LoginDeclinedError("The access was not given in Meta's dialog.")
    if came.error or not came.code:
        raise LoginFailedError("Meta's dialog came back without a code.")
    onboarding_id = await start_onboarding(
        database,
        ring,
        organization_id=state.organization_id,
        agent_flow_id=state.agent_flow_id,
        way="redirect",
        code=came.code,
        redirect_uri=state.redirect_uri,
        started_by=state.started_by,
        by=state.by,
        reconnects_id=state.reconnects_id,
    )
    wakes.started(onboarding_id, state.organization_id)
    await oauth_states.led_to(database, keyed_hash, state=came.state, onboarding_id=onboarding_id)
    return onboarding_id


def _dialog(settings: Settings, *, redirect_uri: str, state: str) -> str:
    asked = {
        "client_id": settings.meta.app_id,
        "redirect_uri": redirect_uri,
        "state": state,
        "config_id": settings.meta.config_id,
        "response_type": "code",
    }
    return f"{settings.meta.dialog_url.rstrip('/')}/{settings.meta.graph_version}/dialog/oauth?{urlencode(asked)}"


def _back(settings: Settings, told: dict[str, str], *, page: str) -> Response:
    """On to the dashboard, or to our own page where there is none; what the address has said before stays."""
    parts = urlsplit(settings.console.dashboard_url or _own(settings, page))
    query = urlencode([*parse_qsl(parts.query, keep_blank_values=True), *told.items()])
    return RedirectResponse(urlunsplit(parts._replace(query=query)), 303)


def _own(settings: Settings, path: str) -> str:
    return settings.console.public_url.rstrip("/") + path


router = _make_router()
