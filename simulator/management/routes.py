"""The paths of management calls. All begin with a version: a path without one is nobody's."""

from collections.abc import Awaitable, Callable, Container

from starlette.convertors import Convertor, register_url_convertor
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.business.tokens import MESSAGING
from simulator.management import exchange, files, numbers, registration, subscriptions, sync, templates, wabas
from simulator.management.call import Desk, Operation
from simulator.refusals import invisible_object
from simulator.world import World


class _Version(Convertor[str]):
    regex = r"v\d+\.\d+"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("version", _Version())

EXCHANGE = Operation("exchange", exchange.exchange_code, auth="none")
RENEW = Operation("renew", exchange.renew_token, auth="none")
DEBUG_TOKEN = Operation("debug_token", exchange.debug_token, auth="app")
SUBSCRIPTIONS = Operation("subscriptions", subscriptions.app_subscriptions, auth="app")
NUMBER = Operation("number", numbers.read_number)
CHANGE_NUMBER = Operation("change_number", numbers.change_number)
WABA = Operation("waba", wabas.read_waba)
MEDIA = Operation("media", files.read_media, scope=MESSAGING)
DELETE_MEDIA = Operation("delete_media", files.delete_media, scope=MESSAGING)
TEMPLATE = Operation("template", templates.read_template)
EDIT_TEMPLATE = Operation("edit_template", templates.edit_template)
BUSINESS = Operation("business", wabas.read_business, scope="business_management")

UNDER_OBJECT = (
    ("GET", "phone_numbers", Operation("phone_numbers", wabas.list_numbers)),
    ("GET", "owned_whatsapp_business_accounts", Operation("owned_wabas", wabas.owned_wabas)),
    ("GET", "client_whatsapp_business_accounts", Operation("client_wabas", wabas.client_wabas)),
    ("GET", "subscribed_apps", Operation("subscribed_apps", subscriptions.subscribed_apps)),
    ("POST", "subscribed_apps", Operation("subscribe", subscriptions.subscribe)),
    ("DELETE", "subscribed_apps", Operation("unsubscribe", subscriptions.unsubscribe)),
    ("POST", "register", Operation("register", registration.register)),
    ("POST", "deregister", Operation("deregister", registration.deregister)),
    ("POST", "smb_app_data", Operation("sync", sync.sync)),
    ("GET", "message_templates", Operation("templates", templates.list_templates)),
    ("POST", "message_templates", Operation("make_template", templates.make_template)),
    ("DELETE", "message_templates", Operation("delete_template", templates.delete_template)),
    ("GET", "subscriptions", SUBSCRIPTIONS),
)


class Management:
    """The management calls of one world, by their paths."""

    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk

    def routes(self) -> list[Route]:
        """Every path; those that end in any id come last."""
        root = "/{version:version}"
        under = [
            Route(f"{root}/{{object_id}}/{path}", self._answering(operation), methods=[method])
            for method, path, operation in UNDER_OBJECT
        ]
        return [
            Route(f"{root}/oauth/access_token", self.exchange_or_renew, methods=["GET"]),
            Route(f"{root}/debug_token", self.debug, methods=["GET"]),
            *under,
            Route(f"{root}/{{object_id}}", self.read, methods=["GET"]),
            Route(f"{root}/{{object_id}}", self.change, methods=["POST"]),
            Route(f"{root}/{{object_id}}", self._answering(DELETE_MEDIA), methods=["DELETE"]),
        ]

    async def exchange_or_renew(self, request: Request) -> Response:
        """A token for a code, or for another token."""
        renews = request.query_params.get("grant_type") == "fb_exchange_token"
        return await self._desk.answer(request, RENEW if renews else EXCHANGE, self._world.config.app_id)

    async def debug(self, request: Request) -> Response:
        """What a token is."""
        return await self._desk.answer(request, DEBUG_TOKEN, self._world.config.app_id)

    async def read(self, request: Request) -> Response:
        """Whatever has this id."""
        object_id = request.path_params["object_id"]
        return await self._desk.answer(request, _reading(self._world, object_id), object_id)

    async def change(self, request: Request) -> Response:
        """Change a template or a number."""
        object_id = request.path_params["object_id"]
        if object_id in self._world.templates.kept:
            return await self._desk.answer(request, EDIT_TEMPLATE, object_id)
        if object_id not in self._world.numbers:
            return invisible_object(object_id).response()
        return await self._desk.answer(request, CHANGE_NUMBER, object_id)

    def _answering(self, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
        async def answer(request: Request) -> Response:
            return await self._desk.answer(request, operation, request.path_params["object_id"])

        return answer


def _reading(world: World, object_id: str) -> Operation:
    """What an id by itself is of; one that is nobody's is answered as a WABA's that cannot be seen."""
    kinds: tuple[tuple[Container[str], Operation], ...] = (
        (world.numbers, NUMBER),
        (world.templates.kept, TEMPLATE),
        (world.files.stored, MEDIA),
        (world.assets.wabas, WABA),
        (world.assets.businesses, BUSINESS),
    )
    return next((operation for known, operation in kinds if object_id in known), WABA)
