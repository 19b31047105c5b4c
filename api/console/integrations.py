"""The page of one connected number: its facts, what is wrong with it, and what its owner can do.

What is done here is done as the API does it.
"""

from uuid import UUID

from pydantic import ValidationError
from starlette.responses import Response
from starlette.routing import Route

from api import integrations
from api.checks import check_number
from api.console.message_words import POLICIES
from api.console.office import Visit, back, signed_in, text
from api.console.telling import of_number
from api.onboarding_contracts import ChangeIntegration
from store.agent_flows import agent_flow
from store.errors import ConflictError, HoldfastError, InvalidRequestError
from store.findings import list_findings
from store.paging import PageRequest
from store.reading.integrations import read_integration
from store.reading.outcomes import POLICIES as POLICIES_SAY
from store.status import number_statuses

PATH = "/console/integrations"
_FINDINGS = 50

SAID = {
    "on": "The number is switched on. What waited leaves in order.",
    "off": "The number is switched off. Messages are kept; none are answered or sent.",
    "policy": "The rule is changed. It holds for every message whose outcome is open from now on.",
    "checking": "The check has begun. Its findings appear here in a few seconds.",
    "token": "The new access token is in place.",
    "gone-done": "The number is disconnected, and Meta sends nothing of its account here any more.",
    "gone-not_needed": "The number is disconnected. Another number of its account stays connected.",
    "gone-later": "The number is disconnected. That Meta stops sending is repeated by itself until it answers.",
    "gone-refused": "The number is disconnected. Meta did not unsubscribe the app: its token has no access any more.",
}


async def show(visit: Visit) -> Response:
    """One number."""
    return await _page(visit)


async def act(visit: Visit) -> Response:
    """What its owner does with it."""
    form = await visit.form()
    match text(form, "do"):
        case "on" | "off" as do:
            await _change(visit, ChangeIntegration(enabled=do == "on"))
            return back(_path(visit), do)
        case "policy":
            await _change(visit, _with_policy(text(form, "unknown_policy")))
            return back(_path(visit), "policy")
        case "check":
            await check_number(visit.session.organization_id, visit.database, visit.request, _id(visit))
            return back(_path(visit), "checking")
        case "token":
            return await _new_token(visit, text(form, "access_token"))
        case "disconnect":
            gone = await integrations.disconnect_integration(
                visit.session.organization_id, visit.by, visit.database, visit.office.ring, visit.request, _id(visit)
            )
            return back(_path(visit), f"gone-{gone.unsubscribed}")
    raise InvalidRequestError("The form is not one of this page.", next_step="Load the page again.")


async def _change(visit: Visit, wanted: ChangeIntegration) -> None:
    await integrations.change_integration(
        visit.session.organization_id,
        visit.by,
        visit.database,
        visit.office.ring,
        visit.request,
        visit.office.api.pasted_tokens,
        _id(visit),
        wanted,
    )


def _with_policy(policy: str) -> ChangeIntegration:
    try:
        return ChangeIntegration.model_validate({"unknown_policy": policy})
    except ValidationError:
        raise InvalidRequestError("The form is not one of this page.", next_step="Load the page again.") from None


async def _new_token(visit: Visit, token: str) -> Response:
    try:
        await _change(visit, ChangeIntegration.model_validate({"access_token": token}))
    except ValidationError:
        return await _page(visit, status=422, problems={"token": "Enter the access token."})
    except ConflictError:
        raise
    except HoldfastError as refusal:
        return await _page(
            visit, status=refusal.http_status, problems={"token": f"{refusal.detail} {refusal.next_step}"}
        )
    return back(_path(visit), "token")


async def _page(visit: Visit, *, status: int = 200, problems: dict[str, str] | None = None) -> Response:
    database, organization_id = visit.database, visit.session.organization_id
    number = await read_integration(database, organization_id, _id(visit))
    statuses = await number_statuses(database, organization_id)
    found = await list_findings(database, organization_id, number.id, PageRequest(limit=_FINDINGS))
    figures = next((one for one in statuses if one.integration_id == number.id), None)
    return visit.show(
        "integration.html",
        status=status,
        number=number,
        headline=of_number(number),
        figures=figures,
        waiting=sum(part.messages for part in figures.waiting) if figures else 0,
        flow=await agent_flow(database, organization_id, number.agent_flow_id),
        open_findings=[one for one in found.items if one.cleared_at is None],
        past_findings=[one for one in found.items if one.cleared_at is not None],
        policies=[(name, POLICIES[name], says) for name, says in POLICIES_SAY.items()],
        problems=problems or {"token": ""},
        said=SAID.get(visit.request.query_params.get("said", "")),
    )


def _id(visit: Visit) -> UUID:
    integration_id: UUID = visit.request.path_params["integration_id"]
    return integration_id


def _path(visit: Visit) -> str:
    return f"{PATH}/{_id(visit)}"


ROUTES = [
    Route(PATH + "/{integration_id:uuid}", signed_in(show), methods=["GET"]),
    Route(PATH + "/{integration_id:uuid}", signed_in(act), methods=["POST"]),
]
