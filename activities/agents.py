"""Ask a business's own agent over HTTP, signed by Standard Webhooks, and queue what it answers.

The question carries the conversation so far; the answer is `{"replies": [{"type": "text", "text": {"body": "…"}}]}`.
Its `webhook-id` is the turn's id in every attempt, by which the agent recognises a repetition.
"""

import asyncio
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
from pydantic import BaseModel, ConfigDict, Field, ValidationError
from standardwebhooks import Webhook

from store import asking
from store.asking import Question, Said
from store.engine import Database
from store.errors import HoldfastError, InvalidRequestError
from store.organizations import open_agent_secret
from store.sealing import KeyRing
from store.turn_plan import Reply
from whatsapp import messages
from workflows.contracts import AskOutcome

ANSWER_MOST_BYTES = 1024 * 1024
_TRY_AGAIN = frozenset({408, 425, 429})


class AgentError(HoldfastError):
    """The agent could not be asked or gave no usable answer."""

    code = "agent_failed"
    http_status = 502
    next_step = "Look at the agent behind the flow's URL; the next message of the customer asks it again."

    def __init__(self, detail: str, *, final: bool) -> None:
        """`final`: asking again cannot help."""
        super().__init__(detail)
        self.final = final


class _Answer(BaseModel):
    model_config = ConfigDict(extra="ignore", hide_input_in_errors=True)
    replies: list[dict[str, Any]] = Field(max_length=20)


@dataclass(frozen=True, slots=True)
class Agents:
    """Asks over one client, which the egress room makes: public addresses only, unless the settings allow others."""

    database: Database
    ring: KeyRing
    client: httpx.AsyncClient
    refused_address: type[httpx.TransportError]
    """What the client raises for an address it must not connect to."""
    timeout: timedelta
    stale_after: timedelta

    async def ask(self, turn_id: UUID, *, attempt: int) -> AskOutcome:
        """Ask for one turn.

        Raises:
            AgentError: no usable answer; `final` when asking again cannot help.
        """
        question = await asking.question(self.database, turn_id)
        if question is None or question.state != "asking":
            return AskOutcome(str(turn_id), question.state if question else "discarded")
        replies = _replies(await self._post(question))
        try:
            state = await asking.answer(self.database, turn_id, replies, attempts=attempt, stale_after=self.stale_after)
        except InvalidRequestError as error:
            raise AgentError(f"The agent's answer cannot be sent: {error.detail}", final=True) from None
        return AskOutcome(str(turn_id), state, replies=len(replies) if state == "answered" else 0)

    async def fail(self, turn_id: UUID, *, code: str, detail: str) -> AskOutcome:
        """Record that the turn's agent could not be asked."""
        state = await asking.fail(self.database, turn_id, code=code, detail=detail)
        return AskOutcome(str(turn_id), state, why=detail)

    async def _post(self, question: Question) -> bytes:
        body = json.dumps(_body(question), ensure_ascii=False).encode()
        headers = self._headers(question, body)
        timeout = self.timeout.total_seconds()
        try:
            # One limit for all of it: the client's own is for each read, and a broken answer may end none.
            async with (
                asyncio.timeout(timeout),
                self.client.stream("POST", question.url, content=body, headers=headers, timeout=timeout) as response,
            ):
                answer = await _read(response)
        except httpx.UnsupportedProtocol:
            raise AgentError("The agent flow's URL is no http(s) address.", final=True) from None
        except self.refused_address:
            raise AgentError("The agent flow's URL leads to an address that is not public.", final=True) from None
        except (TimeoutError, httpx.TimeoutException):
            raise AgentError(f"The agent did not answer within {timeout:g} s.", final=False) from None
        except httpx.HTTPError as error:
            raise AgentError(f"The agent could not be reached: {type(error).__name__}.", final=False) from None
        if response.is_success:
            return answer
        status = response.status_code
        final = not response.is_server_error and status not in _TRY_AGAIN
        raise AgentError(f"The agent answered with HTTP {status}.", final=final)

    def _headers(self, question: Question, body: bytes) -> dict[str, str]:
        headers = {"content-type": "application/json", "user-agent": "Holdfast"}
        if question.secret_sealed is None:
            return headers
        secret = open_agent_secret(self.ring, question.secret_sealed, question.agent_flow_id)
        now = datetime.now(UTC)
        message_id = f"turn_{question.turn_id}"
        return headers | {
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(message_id, now, body.decode()),
        }


async def _read(response: httpx.Response) -> bytes:
    read = bytearray()
    async for chunk in response.aiter_bytes():
        read += chunk
        if len(read) > ANSWER_MOST_BYTES:
            raise AgentError("The agent's answer is larger than 1 MiB.", final=True)
    return bytes(read)


def _body(question: Question) -> dict[str, Any]:
    return {
        "type": "conversation.turn",
        "turn": {"id": str(question.turn_id), "number": question.turn_no},
        "conversation_id": str(question.conversation_id),
        "business": {"phone_number": question.phone_number},
        "contact": {
            "id": str(question.contact_id),
            "name": question.contact_name,
            "wa_id": question.wa_id,
            "user_id": question.user_id,
        },
        "messages": [_said(message, question.turn_id) for message in question.said],
    }


def _said(message: Said, turn_id: UUID) -> dict[str, Any]:
    return {
        "id": str(message.id),
        "wamid": message.wamid,
        "from": message.author,
        "at": message.at.isoformat(),
        "new": message.direction == "in" and message.turn_id == turn_id,
        "type": message.type,
        **message.content,
    }


def _replies(answer: bytes) -> list[Reply]:
    """The answer as rows.

    Raises:
        AgentError: it is not what the protocol says; the words name field and limit, never the content.
    """
    try:
        parsed = _Answer.model_validate_json(answer)
    except ValidationError as error:
        first = error.errors(include_input=False, include_url=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the body"
        raise AgentError(f"The agent's answer cannot be read: {where}: {first['msg']}.", final=True) from None
    return [_reply(number, reply) for number, reply in enumerate(parsed.replies)]


def _reply(number: int, reply: dict[str, Any]) -> Reply:
    kind = reply.get("type")
    if not isinstance(kind, str):
        raise AgentError(f"The agent's answer cannot be read: replies.{number}.type is missing.", final=True)
    content = {key: value for key, value in reply.items() if key != "type"}
    problems = messages.validate_content(kind, content)
    if problems:
        raise AgentError(f"The agent's answer cannot be sent: replies.{number}: {problems[0]}", final=True)
    return Reply(kind, content)
