"""A business's own agent over real HTTP: what it is asked, how it is signed, and each way in which it can fail."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from fastapi import FastAPI, Request, Response
from fastapi.responses import StreamingResponse
from sqlalchemy import text
from standardwebhooks import Webhook

import egress
from activities.agents import AgentError, Agents
from store import consents
from store.engine import Database
from store.turn_plan import Rules
from store.turns import look
from tests.outgoing import OUTGOING
from tests.plans import plan_of
from tests.rows import AGENT_SECRET, RING, change, connected_number, conversation, received, row, value
from tests.simulator.stage import served


class Agent:
    """An agent that answers as a test says and keeps what it was asked."""

    def __init__(self, status: int, body: bytes, *, after: float = 0) -> None:
        self.asked: list[tuple[dict[str, str], bytes]] = []
        self.body = body
        self.app = FastAPI()

        @self.app.post("/answer")
        async def answer(request: Request) -> Response:
            self.asked.append((dict(request.headers), await request.body()))
            await asyncio.sleep(after)
            return Response(self.body, status, media_type="application/json")


@asynccontextmanager
async def asking(
    database: Database, agent: Agent, *, private: bool = True, path: str = "/answer"
) -> AsyncIterator[tuple[Agents, UUID]]:
    """Agents and a turn that waits for one."""
    async with served(agent.app) as url, egress.agent_client(private_addresses=private) as client:
        number = await connected_number(database, kind="http", url=f"{url}{path}")
        conversation_id = await conversation(database, number)
        await received(database, number, conversation_id, "what does it cost?")
        plan = await plan_of(database, conversation_id)
        assert plan.new_turn is not None
        agents = Agents(database, RING, client, egress.RefusedAddressError, timedelta(seconds=1), timedelta(minutes=15))
        yield agents, plan.new_turn.id


def replying(*bodies: str) -> bytes:
    return json.dumps({"replies": [{"type": "text", "text": {"body": body}} for body in bodies]}).encode()


async def _asked(database: Database) -> UUID:
    async with database.transaction() as connection:
        found = (await connection.execute(text("SELECT id FROM messages WHERE direction = 'in'"))).scalar_one()
        return UUID(str(found))


def _stands_alone(kind: str, content: dict[str, Any]) -> bool:
    """Whether it refers to nothing that has to be there."""
    return kind not in ("template", "reaction") and "media_id" not in str(content)


async def test_an_agent_gets_the_conversation_signed_and_its_replies_are_queued(database: Database) -> None:
    agent = Agent(200, replying("ten", "or twelve"))
    async with asking(database, agent) as (agents, turn_id):
        outcome = await agents.ask(turn_id, attempt=1)

    assert (outcome.state, outcome.replies) == ("answered", 2)
    headers, body = agent.asked[0]
    asked = Webhook(AGENT_SECRET).verify(body, headers)
    assert headers["webhook-id"] == f"turn_{turn_id}"
    assert asked["messages"][-1]["text"] == {"body": "what does it cost?"}
    assert asked["messages"][-1]["new"] is True
    assert asked["contact"]["wa_id"] == "491700000001"
    plan = await look(database, UUID(asked["conversation_id"]), rules=Rules())
    assert plan is not None
    rows = [await row(database, "messages", message_id) for message_id in plan[1].to_send]
    assert [each.content["text"]["body"] for each in rows] == ["ten", "or twelve"]


async def test_an_agent_answers_with_every_kind_of_message(database: Database) -> None:
    agent = Agent(200, b"")
    async with asking(database, agent) as (agents, turn_id):
        asked = await row(database, "messages", await _asked(database))
        replies = [{"type": kind, **content} for kind, content in OUTGOING.values() if _stands_alone(kind, content)]
        replies = [*replies[:18], {"type": "reaction", "reaction": {"message_id": asked.wamid, "emoji": "👍"}}]
        agent.body = json.dumps({"replies": replies}).encode()
        outcome = await agents.ask(turn_id, attempt=1)
    assert (outcome.state, outcome.replies) == ("answered", len(replies))
    told = json.loads(agent.asked[0][1])["messages"][-1]
    assert told["wamid"] == asked.wamid
    plan = await look(database, asked.conversation_id, rules=Rules())
    assert plan is not None
    rows = [await row(database, "messages", message_id) for message_id in plan[1].to_send]
    assert [{"type": one.type, **one.content} for one in rows] == replies
    assert [one.about_wamid for one in rows] == [None] * (len(rows) - 1) + [asked.wamid]
    assert {"image", "interactive", "location", "contacts", "text"} <= {one.type for one in rows}


async def test_an_answer_that_refers_to_what_is_not_there_queues_nothing(database: Database) -> None:
    good = {"type": "text", "text": {"body": "yes"}}
    bad = {"type": "reaction", "reaction": {"message_id": "wamid.canary", "emoji": "👍"}}
    async with asking(database, Agent(200, json.dumps({"replies": [good, bad]}).encode())) as (agents, turn_id):
        with pytest.raises(AgentError) as failure:
            await agents.ask(turn_id, attempt=1)
    said = "replies.1: reaction.message_id: is no message of this conversation."
    assert (failure.value.final, failure.value.detail) == (True, f"The agent's answer cannot be sent: {said}")
    assert (await row(database, "turns", turn_id)).state == "asking"
    assert await value(database, "SELECT count(*) FROM messages WHERE direction = 'out'") == 0


async def test_an_agent_sends_no_marketing_to_who_has_stopped_it(database: Database) -> None:
    template = {"type": "template", "template": {"name": "sale", "language": {"code": "en"}}}
    async with asking(database, Agent(200, json.dumps({"replies": [template]}).encode())) as (agents, turn_id):
        await change(
            database,
            "INSERT INTO templates (id, organization_id, waba_row_id, name, language, category, status, "
            "parameter_format, components) SELECT gen_random_uuid(), organization_id, waba_row_id, 'sale', 'en', "
            "'MARKETING', 'APPROVED', 'positional', '[]' FROM integrations",
        )
        contact = await row(database, "conversations", (await row(database, "turns", turn_id)).conversation_id)
        async with database.transaction() as connection:
            await consents.record(
                connection,
                organization_id=contact.organization_id,
                contact_id=contact.contact_id,
                choice="stop",
                source="preference",
                told_at=datetime.now(UTC),
            )
        with pytest.raises(AgentError, match=r"replies\.0: ") as failure:
            await agents.ask(turn_id, attempt=1)
    assert failure.value.final
    assert "marketing" in failure.value.detail


async def test_no_replies_are_an_answer_too(database: Database) -> None:
    async with asking(database, Agent(200, b'{"replies": []}')) as (agents, turn_id):
        outcome = await agents.ask(turn_id, attempt=1)
    assert (outcome.state, outcome.replies) == ("answered", 0)
    assert (await row(database, "turns", turn_id)).state == "answered"


@pytest.mark.parametrize(
    ("status", "body", "final", "words"),
    [
        (200, b"hello", True, "cannot be read"),
        (200, b"[]", True, "cannot be read"),
        (200, b'{"replies": "no"}', True, "replies"),
        (200, b'{"replies": [{"text": {"body": "x"}}]}', True, "replies.0.type"),
        (200, replying("x" * 4097), True, "4096"),
        (200, replying(*["x"] * 21), True, "replies"),
        (200, b'{"replies": [], "pad": "' + b"x" * 1_100_000 + b'"}', True, "1 MiB"),
        (400, b"", True, "HTTP 400"),
        (302, b"", True, "HTTP 302"),
        (429, b"", False, "HTTP 429"),
        (503, b"", False, "HTTP 503"),
    ],
)
async def test_a_bad_answer_is_a_clear_failure(
    database: Database, status: int, body: bytes, words: str, *, final: bool
) -> None:
    async with asking(database, Agent(status, body)) as (agents, turn_id):
        with pytest.raises(AgentError) as failure:
            await agents.ask(turn_id, attempt=1)
        assert failure.value.final is final
        assert words in failure.value.detail
        assert "x" * 20 not in failure.value.detail
        assert (await row(database, "turns", turn_id)).state == "asking"
        await agents.fail(turn_id, code="agent_failed", detail=failure.value.detail)
    failed = await row(database, "turns", turn_id)
    assert (failed.state, failed.error_detail) == ("failed", failure.value.detail)


async def test_an_agent_that_is_too_slow_is_asked_again_by_temporal(database: Database) -> None:
    async with asking(database, Agent(200, replying("late"), after=1.5)) as (agents, turn_id):
        with pytest.raises(AgentError, match="within 1 s") as failure:
            await agents.ask(turn_id, attempt=1)
    assert not failure.value.final


async def test_an_answer_that_never_ends_is_given_up_in_time(database: Database) -> None:
    agent = Agent(200, b"")

    async def drip() -> AsyncIterator[bytes]:
        while True:
            yield b" "
            await asyncio.sleep(0.1)

    agent.app.add_api_route("/drip", lambda: StreamingResponse(drip()), methods=["POST"])
    async with asking(database, agent, path="/drip") as (agents, turn_id):
        async with asyncio.timeout(3):
            with pytest.raises(AgentError, match="within 1 s"):
                await agents.ask(turn_id, attempt=1)


async def test_an_agent_at_a_private_address_is_not_asked(database: Database) -> None:
    agent = Agent(200, replying("inside"))
    async with asking(database, agent, private=False) as (agents, turn_id):
        with pytest.raises(AgentError, match="address") as failure:
            await agents.ask(turn_id, attempt=1)
    assert failure.value.final
    assert agent.asked == []


async def test_an_answer_after_a_take_over_is_discarded(database: Database) -> None:
    agent = Agent(200, replying("too late"))
    async with asking(database, agent) as (agents, turn_id):
        await change(database, "UPDATE turns SET state = 'discarded'")
        assert (await agents.ask(turn_id, attempt=2)).state == "discarded"
    assert agent.asked == []
