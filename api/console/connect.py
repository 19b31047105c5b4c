"""The connect page: Facebook's window, and the two ways without it."""

from typing import Any
from uuid import UUID

from pydantic import ValidationError
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from api import integrations
from api.console import onboardings
from api.console.office import Visit, back, signed_in, text
from api.console.policy import connect_headers, is_facebook, origin_of
from api.console.telling import refused_redirect
from api.onboarding_contracts import AddIntegration
from settings import MetaSettings
from store.agent_flows import AgentFlow, list_agent_flows
from store.errors import HoldfastError, NotFoundError
from store.organizations import create_agent_flow
from store.paging import PageRequest
from store.reading.integrations import Integration, read_integration

PATH = "/console/connect"
_FLOWS = 100
_BY_HAND = ("agent_flow_id", "phone_number", "phone_number_id", "waba_id")
_FIELDS = {
    "agent_flow_id": "who answers the customers",
    "phone_number": "the phone number",
    "phone_number_id": "the phone number id",
    "waba_id": "the WhatsApp Business Account id",
    "access_token": "the access token",
}


async def show(visit: Visit) -> Response:
    """Choose who answers, see what will happen, go."""
    return await _page(visit)


async def ready(visit: Visit) -> Response:
    """Whether a code that Facebook gave now would be exchanged in time: asked before its window opens."""
    is_ready = await visit.office.wakes.can_take_a_code()
    says = "" if is_ready else "Holdfast's worker is not running or not reachable. Whoever runs Holdfast can start it."
    return JSONResponse({"ready": is_ready, "says": says}, headers={"Cache-Control": "no-store"})


async def add_echo(visit: Visit) -> Response:
    """An agent flow to try things out with, for an organization that has none."""
    await visit.form()
    await create_agent_flow(
        visit.database, visit.office.ring, organization_id=visit.session.organization_id, name="Echo", kind="echo"
    )
    return back(PATH)


async def by_redirect(visit: Visit) -> Response:
    """On to Facebook's login without a window of its own; it comes back to the onboarding's page."""
    query = visit.request.query_params
    wanted = "&".join(f"{name}={query[name]}" for name in ("agent_flow_id", "reconnects") if _is_id(query.get(name)))
    return RedirectResponse(f"/api/v1/whatsapp/oauth/authorize?{wanted}", 303)


async def by_hand(visit: Visit) -> Response:
    """Connect a number with a token of one's own: as the API does it, then on to the onboarding's page."""
    form = await visit.form()
    typed = {name: text(form, name) for name in _BY_HAND}
    organization_id, person_id, state = visit.session.organization_id, visit.session.person.id, visit.office.api
    try:
        wanted = AddIntegration.model_validate(
            typed | {"organization_id": organization_id, "access_token": text(form, "access_token")}
        )
        added = await integrations.add_integration(
            organization_id,
            visit.by,
            person_id,
            visit.database,
            visit.office.ring,
            state.wakes,
            state.pasted_tokens,
            wanted,
            Response(),
        )
    except ValidationError as error:
        wrong = sorted({_FIELDS.get(str(one["loc"][0]), str(one["loc"][0])) for one in error.errors()})
        return await _page(visit, status=422, typed=typed, problem=f"Look again at {' and '.join(wrong)}.")
    except HoldfastError as refusal:
        said = f"{refusal.detail} {refusal.next_step}"
        return await _page(visit, status=refusal.http_status, typed=typed, problem=said)
    return back(f"{onboardings.PATH}/{added.onboarding.id}")


async def _page(visit: Visit, *, status: int = 200, **values: Any) -> Response:
    meta = visit.office.settings.meta
    flows = await list_agent_flows(visit.database, visit.session.organization_id, PageRequest(limit=_FLOWS))
    known = await _reconnected(visit)
    return visit.show(
        "connect.html",
        status=status,
        headers=connect_headers(meta.sdk_url, meta.dialog_url),
        flows=_preferred_first(flows.items, known),
        reconnects=known,
        meta=meta,
        trusted_origin="" if is_facebook(meta.sdk_url) else origin_of(meta.sdk_url),
        missing=_missing(meta),
        refused=refused_redirect(visit.request.query_params.get("whatsapp_error")),
        **({"typed": dict.fromkeys(_BY_HAND, ""), "problem": ""} | values),
    )


async def _reconnected(visit: Visit) -> Integration | None:
    """The number that is to get a new token by this, if one is named."""
    named = visit.request.query_params.get("reconnects")
    if not _is_id(named):
        return None
    try:
        return await read_integration(visit.database, visit.session.organization_id, UUID(named))
    except NotFoundError:
        return None


def _preferred_first(flows: list[AgentFlow], known: Integration | None) -> list[AgentFlow]:
    return sorted(flows, key=lambda flow: known is None or flow.id != known.agent_flow_id)


def _missing(meta: MetaSettings) -> list[str]:
    """Settings without which Facebook's window does not know our app."""
    wanted = {"META_APP_ID": meta.app_id, "META_CONFIG_ID": meta.config_id}
    return [name for name, value in wanted.items() if not value]


def _is_id(value: str | None) -> bool:
    try:
        UUID(value or "")
    except ValueError:
        return False
    return True


ROUTES = [
    Route(PATH, signed_in(show), methods=["GET"]),
    Route(PATH + "/ready", signed_in(ready), methods=["GET"]),
    Route(PATH + "/redirect", signed_in(by_redirect), methods=["GET"]),
    Route(PATH + "/by-hand", signed_in(by_hand), methods=["POST"]),
    Route(PATH + "/echo", signed_in(add_echo), methods=["POST"]),
]
