"""Which world a request of the control API moves: its routes are made once, and serve any number of apps."""

from typing import Annotated

from fastapi import Depends, Request

from simulator.world import World


async def _world(request: Request) -> World:
    world: World = request.app.state.world
    return world


TheWorld = Annotated[World, Depends(_world)]
"""The world of the app that was asked."""
