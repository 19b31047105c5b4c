"""What leaves: sends through the Graph client, and slots of one number's rate."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from datetime import timedelta
from itertools import count

from sqlalchemy import func, update

import egress
from bench.figures import Figure
from bench.house import PER_SECOND, House
from cli import tenant
from cli.errors import CommandError
from store.rates import take_slot_again
from store.tables import rate_slots
from whatsapp import messages
from whatsapp.app_secrets import AppSecrets
from whatsapp.graph import Accepted, Graph

IN_FLIGHT = 300
GRAPH = timedelta(milliseconds=200)
_BOOKING = 16
_CUSTOMER = "491510000001"
_DEADLINE = timedelta(seconds=12)


class RefusedSendError(CommandError):
    """Graph did not take a send: the figures would be of refusals."""


async def sends(house: House, duration: timedelta) -> list[Figure]:
    """Sends per second with 300 in flight against a Graph of 200 ms: the ideal is 1,500."""
    said = await house.simulator.customer_says(tenant.PHONE_NUMBER_ID, _CUSTOMER, "Hello")  # opens the window
    await house.simulator.wait_for_reply(tenant.PHONE_NUMBER_ID, _CUSTOMER, after=said)
    await house.simulator.settle()
    await house.simulator.change_number(
        tenant.PHONE_NUMBER_ID, throughput=0, pair_limit=False, statuses=[], answer_delay=GRAPH.total_seconds()
    )
    recipient, numbers = messages.Recipient(wa_id=_CUSTOMER, user_id=None), count()
    async with egress.graph_client(max_connections=IN_FLIGHT) as client:
        graph = Graph(
            client,
            base_url=house.stack.simulator_url,
            version="v26.0",
            secrets=AppSecrets.of(house.stack.keys.app_secret),
            deadline=_DEADLINE,
        )

        async def send() -> None:
            content = {"text": {"body": "Bench"}}
            payload = messages.payload(recipient, "text", content, callback_data=f"bench-{next(numbers)}.1")
            answer = await graph.send(tenant.PHONE_NUMBER_ID, tenant.ACCESS_TOKEN, payload)
            if not isinstance(answer, Accepted):
                raise RefusedSendError(f"the simulator answered {answer}")

        await _repeat(send, IN_FLIGHT, min(duration, timedelta(seconds=1)))
        per_s = await _repeat(send, IN_FLIGHT, duration)
    await tenant.introduce(house.simulator, throughput=PER_SECOND)
    return [Figure("outbound.per_s", per_s, "1/s", "300 in flight by the Graph client, Graph 200 ms")]


async def slots(house: House, duration: timedelta) -> list[Figure]:
    """Slots granted per second on one number's row, each in a transaction of its own; its rate is out of the way."""

    async def book() -> None:
        slot = await take_slot_again(house.database, house.integration_id)
        if not slot.taken:
            raise RefusedSendError("the number had no slot free")

    await _limit(house, 1_000_000)
    per_s = await _repeat(book, _BOOKING, duration)
    await _limit(house, PER_SECOND)
    return [Figure("slots.per_s", per_s, "1/s", f"{_BOOKING} at once on the row of one number")]


async def _limit(house: House, per_second: int) -> None:
    async with house.database.transaction() as connection:
        change = update(rate_slots).where(rate_slots.c.integration_id == house.integration_id)
        await connection.execute(change.values(per_second=per_second, next_at=func.now()))


async def _repeat(once: Callable[[], Awaitable[None]], at_once: int, duration: timedelta) -> float:
    """How often per second something can be done by so many who do it over and over."""
    began = time.perf_counter()
    until, done = began + duration.total_seconds(), 0

    async def work() -> None:
        nonlocal done
        while time.perf_counter() < until:
            await once()
            done += 1

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(work())
    return done / (time.perf_counter() - began)
