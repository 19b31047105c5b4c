"""The control API's part for faults: single ones, scripts and chaos."""

import secrets
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request

from simulator import orders
from simulator.chaos import Chaos
from simulator.control.world import TheWorld
from simulator.script_file import ScriptError, read_script

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


@router.post("/faults", status_code=201)
async def add_fault(world: TheWorld, order: orders.FaultOrder) -> Json:
    """Put a fault in force and name it."""
    return {"id": world.faults.add(order.fault())}


@router.get("/faults")
async def list_faults(world: TheWorld) -> list[Json]:
    """The faults in force, each with how many calls it has met."""
    return [asdict(fault) for fault in world.faults.active]


@router.delete("/faults")
async def end_faults(world: TheWorld, fault_id: Annotated[int | None, Query(alias="id")] = None) -> Json:
    """End one fault, or all, and with them what is being played."""
    if fault_id is None:
        world.player.stop()
    world.faults.remove(fault_id)
    return {"active": len(world.faults.active)}


@router.post("/script", status_code=201)
async def play_script(world: TheWorld, request: Request) -> Json:
    """Play a script: its YAML is the body."""
    try:
        world.player.play(read_script((await request.body()).decode(errors="replace"), name="script"))
    except ScriptError as error:
        raise HTTPException(422, str(error)) from error
    return world.player.view()


@router.post("/chaos", status_code=201)
async def play_chaos(world: TheWorld, order: orders.ChaosOrder) -> Json:
    """Play random faults; the steps of its `seconds`, or the first 60 of what has no end, are answered."""
    seed = secrets.randbelow(2**32) if order.seed is None else order.seed
    try:
        chaos = Chaos(seed, **order.model_dump(exclude={"seed", "seconds"}))
    except ValueError as error:
        raise HTTPException(422, str(error)) from error
    world.player.play(chaos.script(order.seconds))
    return {"seed": seed, "steps": [step.view() for step in chaos.until(order.seconds or 60.0)]}


@router.get("/playing")
async def read_playing(world: TheWorld) -> Json:
    """What is or was played, and what it has done."""
    return world.player.view()


@router.delete("/playing")
async def stop_playing(world: TheWorld) -> Json:
    """End what is being played and its faults; other faults stay."""
    world.player.stop()
    return world.player.view()
