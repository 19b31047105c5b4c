"""The simulator as an app, and how to serve it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn
from fastapi import FastAPI
from starlette.routing import Route

from simulator.chat.pages import ChatPages
from simulator.config import SimulatorConfig
from simulator.control import ROUTES
from simulator.graph import MessagesRoute
from simulator.login.dialog import Dialog
from simulator.management.routes import Management
from simulator.media import MediaDesk
from simulator.pages import base_route
from simulator.profile import Profiles
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

    app = FastAPI(title="Holdfast simulator", lifespan=lifespan)
    # A plain route, first in the list: sends are the hot path, and FastAPI's own routes cost several times as much.
    messages = Route("/{version}/{phone_number_id}/messages", MessagesRoute(world).post, methods=["POST"])
    app.router.routes.insert(0, messages)
    dialog, uploads = Dialog(world), Uploads(world)
    app.state.world, app.state.dialog, app.state.uploads = world, dialog, uploads
    app.router.routes.extend(ROUTES)
    pages = [base_route(), *ChatPages(world).routes(), *dialog.routes()]
    business = [*uploads.routes(), *Profiles(world, uploads).routes()]
    app.router.routes.extend([*pages, *MediaDesk(world).routes(), *business, *Management(world).routes()])
    return app


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
