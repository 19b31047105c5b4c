"""The first page: each number with its state in words, and what needs somebody."""

from starlette.responses import Response
from starlette.routing import Route

from api.console.office import HOME, Visit, signed_in
from api.console.telling import of_number, of_onboarding
from store.banners import banners
from store.paging import PageRequest
from store.reading.integrations import list_integrations
from store.reading.onboardings import list_onboardings
from store.reading.undecided import count_undecided
from store.status import number_statuses

_NUMBERS = 200
_UNDER_WAY = 50


async def show(visit: Visit) -> Response:
    """The organization's numbers."""
    database, organization_id = visit.database, visit.session.organization_id
    numbers = (await list_integrations(database, organization_id, PageRequest(limit=_NUMBERS))).items
    statuses = {status.integration_id: status for status in await number_statuses(database, organization_id)}
    wanted = PageRequest(limit=_UNDER_WAY)
    under_way = (await list_onboardings(database, organization_id, wanted, state="running")).items
    return visit.show(
        "home.html",
        numbers=[(number, of_number(number), statuses.get(number.id)) for number in numbers],
        phone_numbers={number.id: number.phone_number for number in numbers},
        under_way=[(onboarding, of_onboarding(onboarding)) for onboarding in under_way],
        undecided=await count_undecided(database, organization_id),
        banners=await banners(database, organization_id),
    )


ROUTES = [Route(HOME, signed_in(show), methods=["GET"])]
