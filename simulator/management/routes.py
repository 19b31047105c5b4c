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


def management_routes(world: World) -> list[Route]:
    """Every management path."""
    desk = Desk(world)
    root = "/{version:version}"

    async def exchange_or_renew(request: Request) -> Response:
        renews = request.query_params.get("grant_type") == "fb_exchange_token"
        return await desk.answer(request, RENEW if renews else EXCHANGE, world.config.app_id)

    async def debug(request: Request) -> Response:
        return await desk.answer(request, DEBUG_TOKEN, world.config.app_id)

    async def read(request: Request) -> Response:
        object_id = request.path_params["object_id"]
        return await desk.answer(request, _reading(world, object_id), object_id)

    async def delete(request: Request) -> Response:
        object_id = request.path_params["object_id"]
        return await desk.answer(request, DELETE_MEDIA, object_id)

    async def change(request: Request) -> Response:
        object_id = request.path_params["object_id"]
        if object_id in world.templates.kept:
            return await desk.answer(request, EDIT_TEMPLATE, object_id)
        if object_id not in world.numbers:
            return invisible_object(object_id).response()
        return await desk.answer(request, CHANGE_NUMBER, object_id)

    return [
        Route(f"{root}/oauth/access_token", exchange_or_renew, methods=["GET"]),
        Route(f"{root}/debug_token", debug, methods=["GET"]),
        *(
            Route(f"{root}/{{object_id}}/{path}", _answering(desk, operation), methods=[method])
            for method, path, operation in UNDER_OBJECT
        ),
        Route(f"{root}/{{object_id}}", read, methods=["GET"]),
        Route(f"{root}/{{object_id}}", change, methods=["POST"]),
        Route(f"{root}/{{object_id}}", delete, methods=["DELETE"]),
    ]


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


def _answering(desk: Desk, operation: Operation) -> Callable[[Request], Awaitable[Response]]:
    async def answer(request: Request) -> Response:
        return await desk.answer(request, operation, request.path_params["object_id"])

    return answer
