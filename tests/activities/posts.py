"""The post office before a Graph that answers as a test says."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any

from activities.answers import AnswerRecorder
from activities.posting import PostOffice
from store.engine import Database
from tests.rows import RING
from whatsapp.graph import Answer


class Meta:
    """A Graph that answers as a test says; the real one is posted to in tests/faults."""

    def __init__(self, answer: Callable[[int], Awaitable[Answer]]) -> None:
        self._answer = answer
        self.payloads: list[Mapping[str, Any]] = []

    async def send(self, phone_number_id: str, token: str, payload: Mapping[str, Any]) -> Answer:
        """Take a post of the number of `connected_number`."""
        assert (phone_number_id, token) == ("9915550001", "token-of-15550001")
        self.payloads.append(payload)
        return await self._answer(len(self.payloads))


def answers(*given: Answer, after: float = 0) -> Callable[[int], Awaitable[Answer]]:
    """These answers one after the other, the last of them for ever, each after so many seconds."""

    async def answer(n: int) -> Answer:
        await asyncio.sleep(after)
        return given[min(n, len(given)) - 1]

    return answer


def office(database: Database, meta: Meta) -> PostOffice:
    """A post office that posts there."""
    return PostOffice(database, RING, meta, AnswerRecorder(database, timedelta(seconds=120)))
