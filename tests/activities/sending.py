"""A number that sends through the post office to the simulator: look, send, look again, as its runs would."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import httpx

import egress
from activities.answers import AnswerRecorder
from activities.posting import PostOffice
from store import nudges, status, turns
from store.engine import Database
from store.turn_plan import Rules
from tests.activities.checked import CheckHouse, check_house
from tests.rows import RING, Number, queued
from tests.simulator.stage import APP_SECRET
from whatsapp.app_secrets import AppSecrets
from whatsapp.graph import Graph

RULES = Rules()
_LOOKS = 20


@dataclass(frozen=True)
class SendHouse:
    """A number, its other side, its checks and its post office."""

    checks: CheckHouse
    graph_client: httpx.AsyncClient
    posts: PostOffice

    @property
    def database(self) -> Database:
        return self.checks.database

    @property
    def number(self) -> Number:
        return self.checks.number

    def office(self, secrets: AppSecrets) -> PostOffice:
        """A post office of a process that proves its calls by these."""
        url = str(self.checks.meta.graph.base_url)
        graph = Graph(self.graph_client, url, "v26.0", secrets, timedelta(seconds=5))
        return PostOffice(self.database, RING, graph, AnswerRecorder(self.database, timedelta(seconds=120)))

    async def queue(
        self, conversation_id: UUID, *said: str, sender: Number | None = None, **columns: Any
    ) -> list[UUID]:
        """Queue messages and have the conversation looked at."""
        number = sender or self.number
        ids = [await queued(self.database, number, conversation_id, words, **columns) for words in said]
        async with self.database.transaction() as connection:
            await nudges.mark_due(connection, [conversation_id])
        return ids

    async def work(self, posts: PostOffice | None = None) -> None:
        """Look at what is due and send what may leave, until nothing is due."""
        for _ in range(_LOOKS):
            due = await self.due()
            for conversation_id in due:
                await self._look(conversation_id, posts or self.posts)
            if not due:
                return

    async def due(self) -> list[UUID]:
        """The conversations that somebody should look at now."""
        query = "SELECT id FROM conversations WHERE due_at <= clock_timestamp() ORDER BY due_at"
        return [row.id for row in await self.checks.rows(query)]

    async def _look(self, conversation_id: UUID, posts: PostOffice) -> None:
        looked = await turns.look(self.database, conversation_id, rules=RULES)
        assert looked is not None
        for message_id in looked[1].to_send:
            if (await posts.send(message_id)).stop:
                return

    async def waiting(self, number: Number | None = None) -> dict[str, int]:
        """How many messages of a number wait, by what its status says that they wait for."""
        number = number or self.number
        for one in await status.number_statuses(self.database, number.organization_id):
            if one.integration_id == number.integration_id:
                return {part.what: part.messages for part in one.waiting}
        return {}

    async def accepted(self) -> list[UUID]:
        """Our messages that Meta has taken, in the order it took them."""
        account = await self.checks.meta.client.account(lists=True)
        return [UUID(message["message_id"]) for message in account["accepted_messages"]]

    async def refused(self) -> dict[str, int]:
        """What Meta has refused, by code."""
        refused: dict[str, int] = (await self.checks.meta.client.account())["refused"]
        return refused

    async def check_due_at(self) -> datetime | None:
        due: datetime | None = (await self.checks.integration()).check_due_at
        return due


@asynccontextmanager
async def send_house(database: Database) -> AsyncIterator[SendHouse]:
    async with check_house(database) as checks, egress.graph_client(max_connections=4) as client:
        url = str(checks.meta.graph.base_url)
        graph = Graph(client, url, "v26.0", AppSecrets.of(APP_SECRET), timedelta(seconds=5))
        posts = PostOffice(database, RING, graph, AnswerRecorder(database, timedelta(seconds=120)))
        yield SendHouse(checks, client, posts)
        await posts.close(timedelta(seconds=5))
