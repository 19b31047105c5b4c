"""The simulator as an app, and how to serve it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.chat.pages import ChatPages
from simulator.config import SimulatorConfig
from simulator.control.routes import ROUTES
from simulator.graph import MessagesRoute
from simulator.login.dialog import Dialog
from simulator.management.call import Desk
from simulator.management.routes import Management
from simulator.media import MediaDesk
from simulator.pages import base_route
from simulator.pages.described import described_routes
from simulator.profile import Profiles
from simulator.refusals import answer
from simulator.resumable import Uploads
from simulator.world import World


def create_app(config: SimulatorConfig) -> FastAPI:
    """A stand-in for Meta. State lives in memory and survives nothing."""
    world = World(config)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        world.deliveries.open()
        if config.script is not None:
            world.player.play(config.script)
        yield
        await world.close()

    app = FastAPI(title="Holdfast simulator", lifespan=lifespan, docs_url=None, redoc_url=None)
    # A plain route, first in the list: sends are the hot path, and FastAPI's own routes cost several times as much.
    messages = Route("/{version}/{phone_number_id}/messages", MessagesRoute(world).post, methods=["POST"])
    app.router.routes.insert(0, messages)
    desk = Desk(world)
    dialog, uploads = Dialog(world), Uploads(world, desk)
    app.add_exception_handler(RequestValidationError, _unfit)
    app.state.world, app.state.dialog, app.state.uploads = world, dialog, uploads
    app.router.routes.extend(ROUTES)
    pages = [base_route(), *described_routes(), *ChatPages(world).routes(), *dialog.routes()]
    business = [*uploads.routes(), *Profiles(desk, uploads).routes()]
    app.router.routes.extend([*pages, *MediaDesk(world).routes(), *business, *Management(world, desk).routes()])
    return app


async def _unfit(_: Request, error: Exception) -> Response:
    """What a body lacks, without the body: what stands in it may be what no JSON can say."""
    told = error.errors() if isinstance(error, RequestValidationError) else ()
    return answer({"detail": [{name: one[name] for name in ("type", "loc", "msg")} for one in told]}, http_status=422)


def serve(config: SimulatorConfig, *, host: str = "127.0.0.1", port: int = 8090) -> None:
    """Serve until SIGTERM or SIGINT."""
    uvicorn.run(
        create_app(config),
        host=host,
        port=port,
        access_log=False,
        log_level="warning",
        ws="none",
        timeout_graceful_shutdown=2,
    )
