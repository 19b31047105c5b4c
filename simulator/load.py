"""The closed-loop load of the bench, inside the simulator: driving it from outside would cost too much processor."""

import asyncio
import time
from collections.abc import Iterator
from itertools import count
from typing import Any

from simulator.account import percentile_ms
from simulator.numbers import Number
from simulator.orders import LoadOrder
from simulator.world import World


class Load:
    """One run of it."""

    def __init__(self, world: World, number: Number, order: LoadOrder) -> None:
        self._world = world
        self._number = number
        self._order = order
        self._latencies: list[float] = []
        self._unanswered = 0
        self._customers = 0
        self._ends_at = 0.0

    async def run(self) -> dict[str, Any]:
        """Drive the load and report; exchanges that end after the time is up are not counted."""
        began = time.perf_counter()
        self._ends_at = began + self._order.seconds
        wa_ids = self._new_wa_ids()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._order.customers):
                group.create_task(self._place(wa_ids))
        ordered = sorted(self._latencies)
        return {
            "customers": self._order.customers,
            "customers_used": self._customers,
            "seconds": self._order.seconds,
            "exchanges": len(ordered),
            "exchanges_per_s": round(len(ordered) / self._order.seconds, 2),
            "unanswered": self._unanswered,
            "mean_ms": round(sum(ordered) / len(ordered) * 1000, 2) if ordered else None,
            "p50_ms": percentile_ms(ordered, 0.5),
            "p90_ms": percentile_ms(ordered, 0.9),
            "p99_ms": percentile_ms(ordered, 0.99),
            "max_ms": percentile_ms(ordered, 1.0),
        }

    async def _place(self, wa_ids: Iterator[str]) -> None:
        """One place in the loop: a customer, then the next one."""
        while time.perf_counter() < self._ends_at:
            self._customers += 1
            await self._customer(next(wa_ids))

    async def _customer(self, wa_id: str) -> None:
        conversation = self._world.customers.of(self._number, wa_id=wa_id)
        for exchange in range(1, self._order.exchanges_each + 1):
            began = time.perf_counter()
            if began >= self._ends_at:
                return
            text = {"body": f"message {exchange} of {wa_id}"}
            replies = len(conversation.replies)
            self._world.say(self._number, conversation, type="text", content=text)
            if not await conversation.wait_for_replies(replies + 1, self._order.patience):
                self._unanswered += 1
                return
            now = time.perf_counter()
            if now < self._ends_at:
                self._latencies.append(now - began)

    def _new_wa_ids(self) -> Iterator[str]:
        taken = self._world.customers.find
        for figure in count(self._order.first_wa_id):
            if taken(self._number.phone_number_id, str(figure)) is None:
                yield str(figure)
