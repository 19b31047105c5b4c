"""Meta's callbacks about Facebook users: one took our app away, or wants its data deleted. Verified, kept, answered.

Contract: meta-platform facts, section 11. Where to enter the addresses: App settings, Advanced, and Data deletion.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jinja2
import structlog
from fastapi import APIRouter, Request
from pydantic import BaseModel
from starlette.responses import HTMLResponse

from api import onboarding_examples as examples
from api.auth import Store
from api.examples import PROBLEMS, answers
from api.throttle import RefusalThrottle
from settings import MetaSettings, Settings
from store.data_requests import Kind, data_request, take_data_request
from store.errors import NotFoundError, WrongSignatureError
from whatsapp.signed_request import LONGEST, SignedRequest, open_signed_request

log = structlog.get_logger(__name__)
router = APIRouter(prefix="/api/v1/whatsapp", tags=["Meta's callbacks"])

_PAGES = jinja2.Environment(
    loader=jinja2.FileSystemLoader(Path(__file__).parent / "pages"), autoescape=True, undefined=jinja2.StrictUndefined
)
_CSP = "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
_LONGEST_BODY = 2 * LONGEST
_FORM: dict[str, Any] = {
    "requestBody": {
        "required": True,
        "content": {
            "application/x-www-form-urlencoded": {
                "schema": {
                    "type": "object",
                    "required": ["signed_request"],
                    "properties": {"signed_request": {"type": "string"}},
                }
            }
        },
    }
}


class Deauthorized(BaseModel):
    """The code under which the callback is kept."""

    confirmation_code: str


class DeletionTaken(BaseModel):
    """What Meta shows to the person who asked."""

    url: str
    confirmation_code: str


@router.post("/deauthorize", responses=answers(200, examples.DEAUTHORIZED, 403), openapi_extra=_FORM)
async def deauthorize(database: Store, request: Request) -> Deauthorized:
    """Take Meta's word that a Facebook user has removed our app."""
    return Deauthorized(confirmation_code=await _taken(database, request, "deauthorize"))


@router.post("/data-deletion", responses=answers(200, examples.DELETION, 403), openapi_extra=_FORM)
async def delete_data(database: Store, request: Request) -> DeletionTaken:
    """Take Meta's word that a Facebook user wants its data deleted; answers where its state is shown."""
    code = await _taken(database, request, "deletion")
    settings: Settings = request.app.state.settings
    url = f"{settings.console.public_url.rstrip('/')}{router.prefix}/data-deletion/{code}"
    return DeletionTaken(url=url, confirmation_code=code)


@router.get(
    "/data-deletion/{confirmation_code}",
    response_class=HTMLResponse,
    responses={
        200: {"content": {"text/html": {"example": "<!doctype html><title>Your request</title>"}}},
        404: PROBLEMS[404],
        422: PROBLEMS[422],
    },
)
async def show_deletion(database: Store, request: Request, confirmation_code: str) -> HTMLResponse:
    """Show to the person who asked what became of it: a page for people."""
    try:
        found = await data_request(database, confirmation_code)
    except NotFoundError:
        if "text/html" not in request.headers.get("accept", ""):
            raise
        return _page("data_request_unknown.html", {}, status=404)
    return _page("data_request.html", {"request": found})


async def _taken(database: Store, request: Request, kind: Kind) -> str:
    signed = await _signed(request)
    return await take_data_request(database, request.app.state.keyed_hash, kind=kind, user_id=signed.user_id)


async def _signed(request: Request) -> SignedRequest:
    """What Meta signed.

    Raises:
        WrongSignatureError: nothing that our app's secret has signed; nothing is kept of it.
    """
    meta: MetaSettings = request.app.state.settings.meta
    secrets = [secret.get_secret_value().encode() for secret in (meta.app_secret, meta.app_secret_previous)]
    body = await _body(request)
    given = parse_qs(body.decode("ascii", "replace"), max_num_fields=10) if body.count(b"&") < 10 else {}  # noqa: PLR2004
    signed = open_signed_request(given.get("signed_request", [""])[0], secrets)
    if signed is None:
        strangers: RefusalThrottle = request.app.state.strangers
        if not strangers.exceeded_by(request.client.host if request.client else ""):
            log.info("callback.refused", reason="signature")
        raise WrongSignatureError("The request is not signed by our app's secret.")
    return signed


async def _body(request: Request) -> bytes:
    """The body, read no further than a signed request can be long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > _LONGEST_BODY:
            return b""
    return body


def _page(name: str, values: Mapping[str, object], *, status: int = 200) -> HTMLResponse:
    html = _PAGES.get_template(name).render(values)
    return HTMLResponse(html, status, headers={"Content-Security-Policy": _CSP, "Cache-Control": "no-store"})
