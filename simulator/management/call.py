"""One management call: what Graph reads of it, who makes it, and the answer, faults included."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from typing import Any, Literal
from urllib.parse import parse_qs

import orjson
from starlette.requests import Request
from starlette.responses import Response

from simulator.authority import Authority, bearer
from simulator.business.tokens import MANAGEMENT, Token
from simulator.calls import CallRecord
from simulator.endings import end, refusal
from simulator.faults import CallName, Plan
from simulator.management.usage import Usage
from simulator.refusals import RefusedError, dead_token, invisible_object
from simulator.world import World

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Call:
    """A call that may be answered."""

    world: World
    name: str
    method: str
    object_id: str
    params: Json
    """Query and body together, as Graph reads them."""
    token: Token | None
    """None: the call is the app's own."""
    base_url: str = ""
    """Under which the simulator was called."""
    plan: Plan = field(default_factory=Plan)
    """What befalls the call."""

    @property
    def holder(self) -> Token:
        """The token of a call that cannot do without one."""
        if self.token is None:
            raise dead_token()
        return self.token

    @property
    def met_as(self) -> str:
        """Whose faults the call meets: the object's that it names, a file's number's."""
        stored = self.world.files.stored.get(self.object_id)
        return self.object_id if stored is None else stored.phone_number_id

    def text(self, name: str) -> str:
        """A parameter as text; empty if it was left out."""
        value = self.params.get(name, "")
        return value if isinstance(value, str) else str(value)


@dataclass(frozen=True, slots=True)
class Operation:
    """How one call is answered, and what it takes to be allowed it."""

    name: CallName
    run: Callable[[Call], Awaitable[Any]]
    auth: Literal["token", "app", "none"] = "token"
    scope: str | None = MANAGEMENT


class Desk:
    """Answers management calls of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._authority = Authority(world)
        self._usage = Usage(world)

    async def answer(self, request: Request, operation: Operation, object_id: str) -> Response:
        """Answer one call as Graph would."""
        params = await _params(request)
        record = self._world.account.calls.begin(
            operation.name, object_id, at=self._world.clock.now(), token_in_query="access_token" in params
        )
        try:
            token = self._authorize(request, operation, params)
            call = Call(
                self._world, operation.name, request.method, object_id, params, token, base_url=str(request.base_url)
            )
            response = await self._run(operation, call, record)
        except RefusedError as error:
            record.refuse(error.code)
            self._world.account.refused[object_id, error.code] += 1
            response = error.response()
        response.headers.update(self._usage.headers(object_id))
        return response

    def _authorize(self, request: Request, operation: Operation, params: Json) -> Token | None:
        if operation.auth == "none":
            return None
        text = bearer(request.headers) or str(params.get("access_token", ""))
        if operation.auth == "app":
            self._authority.check_app_token(text)
            return None
        token = self._authority.token(text)
        proof = params.get("appsecret_proof")
        self._authority.check_proof(None if proof is None else str(proof), token.text)
        if operation.scope is not None and operation.scope not in token.scopes:
            message = f"(#200) Requires {operation.scope} permission to manage the object"
            raise RefusedError(200, message=message)
        return token

    async def _run(self, operation: Operation, call: Call, record: CallRecord) -> Response:
        plan = self._world.faults.plan(call.met_as, "", operation.name)
        if plan.access is not None:
            call.world.take_access(call.met_as, plan.access)
            raise dead_token() if plan.access.kind == "revoke" else invisible_object(call.object_id, method=call.method)
        if plan.refuse is not None:
            self._usage.note(call.object_id, plan.refuse)
            raise refusal(plan.refuse)
        if not plan.accepted:
            record.outcome, record.answer = "lost", plan.ending
            await asyncio.sleep(plan.slow)
            return end(plan, {})
        content = await operation.run(replace(call, plan=plan))
        record.outcome = "ok"
        await asyncio.sleep(plan.slow)
        record.answer = plan.ending
        return end(plan, content)


async def _params(request: Request) -> Json:
    params: Json = dict(request.query_params)
    body = await request.body()
    if not body:
        return params
    if "application/x-www-form-urlencoded" in request.headers.get("content-type", ""):
        form = parse_qs(body.decode(errors="replace"), keep_blank_values=True)
        return params | {name: values[-1] for name, values in form.items()}
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return params  # Graph takes what it can read, and misses the rest
    return params | content if isinstance(content, dict) else params
