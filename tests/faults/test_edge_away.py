"""The API killed, Postgres killed, Postgres standing still: Meta repeats what was not acknowledged, nothing is lost."""

import asyncio
import json
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psutil

from tests.faults.conftest import OpenHouse
from tests.faults.house import Figure, House

PATIENCE = 2.0
"""Seconds within which a webhook that cannot be stored is refused."""


async def test_an_api_killed_under_load_loses_and_doubles_nothing(
    house: House, record_property: Figure, *, chaos: bool
) -> None:
    for _ in range(5 if chaos else 1):
        load = asyncio.create_task(house.crowd(80))
        await asyncio.sleep(0.4)
        house.supervisor.kill("api")
        await load
        await house.supervisor.restart("api")
        record_property("all answered after its return (s)", round(await house.answered(within=30), 2))
    assert (await house.account())["webhooks"]["unreachable"] > 0, "nothing was under way when it was killed"
    await house.reckon()


async def test_a_postgres_that_is_killed_or_stands_still_has_webhooks_refused_in_time_and_loses_and_doubles_nothing(
    open_house: OpenHouse, record_property: Figure, *, chaos: bool
) -> None:
    house = await open_house("postgres")
    await _killed(house, record_property)
    await _stands_still(house, record_property, seconds=30 if chaos else 3)
    await house.reckon()
    assert await house.error_reports() == []


async def _killed(house: House, record_property: Figure) -> None:
    load = asyncio.create_task(house.crowd(40))
    await asyncio.sleep(0.3)
    house.supervisor.kill("postgres")
    record_property("refused within (s)", await _is_refused_in_time(house))
    await house.crowd(20)
    await load
    await asyncio.sleep(2)
    await house.supervisor.restart("postgres")
    await house.database.close()  # its connections, not the database: the test's own pool knows nothing of the kill
    record_property("all answered after its return (s)", round(await house.answered(within=40), 2))


async def _stands_still(house: House, record_property: Figure, *, seconds: float) -> None:
    load = asyncio.create_task(house.crowd(40))
    await asyncio.sleep(0.3)
    with _standing_still(psutil.Process(house.supervisor.pid("postgres"))):
        record_property("refused within (s)", await _is_refused_in_time(house))
        await house.crowd(20)
        await load
        await asyncio.sleep(seconds)
    record_property("all answered after its return (s)", round(await house.answered(within=40), 2))


@contextmanager
def _standing_still(server: psutil.Process) -> Iterator[None]:
    """A process and all its children stopped, their connections open."""
    processes = [server, *server.children(recursive=True)]
    for process in processes:
        process.suspend()
    try:
        yield
    finally:
        for process in processes:
            process.resume()


async def _is_refused_in_time(house: House) -> float:
    """Webhooks are refused; the seconds until they were."""
    body = json.dumps({"object": "whatsapp_business_account", "entry": []}).encode()
    began = time.monotonic()
    assert await house.simulator.send_raw(body, times=3) == [503, 503, 503]
    took = time.monotonic() - began
    assert took < PATIENCE * house.slowness
    return round(took, 2)
