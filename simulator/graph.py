"""The Graph API as far as messages need it: `POST /{version}/{phone_number_id}/messages`."""

import asyncio
import hmac
import re
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from simulator.customers import Conversation
from simulator.faults import Fault, Plan
from simulator.numbers import Number
from simulator.payloads import problem
from simulator.refusals import RefusedError, answer, dead_token, invisible_object
from simulator.wire import app_secret_proof
from simulator.world import World

_VERSION = re.compile(r"v\d+\.\d+")
_UNKNOWN_PATH = 2500


class MessagesRoute:
    """Sends, read receipts and typing indicators."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._proofs: dict[str, str] = {}

    async def post(self, request: Request) -> Response:
        """Answer one call as Graph would, faults included."""
        phone_number_id = request.path_params["phone_number_id"]
        try:
            number = self._authorize(request, phone_number_id)
            payload = _read(await request.body())
            if payload.get("status") == "read":
                return await self._mark_read(number, payload)
            return await self._send(number, payload)
        except RefusedError as refusal:
            self._world.account.refused[phone_number_id, refusal.code] += 1
            return refusal.response()

    def _authorize(self, request: Request, phone_number_id: str) -> Number:
        if not _VERSION.fullmatch(request.path_params["version"]):
            raise RefusedError(_UNKNOWN_PATH, message="Unknown path components")
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        number = self._world.numbers.get(phone_number_id)
        if scheme.lower() != "bearer" or not token:
            raise dead_token()
        if number is None or number.token != token or number.knobs.revoked or number.knobs.removed:
            raise self._stranger(phone_number_id, number, token)
        self._check_proof(request.query_params.get("appsecret_proof"), token)
        return number

    def _stranger(self, phone_number_id: str, number: Number | None, token: str) -> RefusedError:
        """A token that is good for something, but not for this number, sees no such object; any other is dead."""
        if number is not None and number.token == token:
            return dead_token() if number.knobs.revoked else invisible_object(phone_number_id)
        is_alive = any(n.token == token and not n.knobs.revoked for n in self._world.numbers.values())
        return invisible_object(phone_number_id) if is_alive else dead_token()

    def _check_proof(self, proof: str | None, token: str) -> None:
        if proof is None:
            if self._world.config.require_proof:
                raise RefusedError(100, message="API calls from the server require an appsecret_proof argument")
            return
        expected = self._proofs.get(token)
        if expected is None:
            expected = self._proofs[token] = app_secret_proof(token, self._world.deliveries.config.app_secret)
        if not hmac.compare_digest(proof.encode(), expected.encode()):
            raise RefusedError(100, message="Invalid appsecret_proof provided in the API argument")

    async def _mark_read(self, number: Number, payload: dict[str, Any]) -> Response:
        if not isinstance(payload.get("message_id"), str) or not payload["message_id"]:
            raise RefusedError(131008, details="message_id is required")
        plan = self._world.faults.plan(number.phone_number_id, "", "read")
        if plan.refuse is not None:
            raise _refusal(plan.refuse)
        await asyncio.sleep(number.knobs.answer_delay + plan.slow)
        self._world.account.reads[number.phone_number_id] += 1
        if payload.get("typing_indicator"):
            self._world.account.typing[number.phone_number_id] += 1
        return _end(plan, {"success": True})

    async def _send(self, number: Number, payload: dict[str, Any]) -> Response:
        if found := problem(payload):
            raise found
        world, knobs = self._world, number.knobs
        conversation, to_phone = self._recipient(number, payload)
        plan = world.faults.plan(number.phone_number_id, conversation.customer, "send")
        if plan.refuse is not None:
            raise _refusal(plan.refuse)
        if not plan.accepted:
            world.account.lost_unaccepted[number.phone_number_id] += 1
            await asyncio.sleep(knobs.answer_delay + plan.slow)
            return _end(plan, {})
        self._check_limits(number, conversation)
        message = world.accept(number, conversation, payload, plan=plan, to_phone=to_phone)
        if knobs.statuses_before_answer:
            world.deliver(message)
        if knobs.answer_delay:
            await asyncio.sleep(knobs.answer_delay)
        if not knobs.statuses_before_answer:
            world.deliver(message)
        if plan.slow:
            await asyncio.sleep(plan.slow)
        message.record.answer = plan.ending
        contact = {"wa_id": conversation.wa_id} if to_phone else {"user_id": conversation.user_id}
        accepted = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": payload["to"] if to_phone else payload["recipient"], **contact}],
            "messages": [{"id": message.record.wamid}],
        }
        return _end(plan, accepted)

    def _recipient(self, number: Number, payload: dict[str, Any]) -> tuple[Conversation, bool]:
        """Who gets it, and whether it was sent to a phone number: `to` wins over `recipient`."""
        customers, to = self._world.customers, payload.get("to")
        if not to:
            known = customers.find(number.phone_number_id, payload["recipient"])
            if known is None:
                raise RefusedError(131026, details="No user with this business-scoped user id")
            return known, False
        wa_id = "".join(filter(str.isdigit, to))
        if not to.startswith("+"):
            self._world.account.without_plus += 1
            wa_id = wa_id if wa_id.startswith(number.country_code) else number.country_code + wa_id
        if wa_id == number.display_phone_number:
            raise RefusedError(131021)
        return customers.of(number, wa_id=wa_id), True

    def _check_limits(self, number: Number, conversation: Conversation) -> None:
        now, knobs = self._world.clock.now(), number.knobs
        if not number.throughput.has_room(now, rate=knobs.throughput, burst=knobs.throughput_burst):
            raise RefusedError(130429)
        if knobs.pair_limit and not conversation.pair.take(now):
            raise RefusedError(131056)


def _read(body: bytes) -> dict[str, Any]:
    try:
        payload = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise RefusedError(100, details="The body is not JSON") from error
    if not isinstance(payload, dict):
        raise RefusedError(100, details="The body is not an object")
    if payload.get("messaging_product") != "whatsapp":
        raise RefusedError(100, details="The parameter messaging_product is required and must be whatsapp")
    return payload


def _refusal(fault: Fault) -> RefusedError:
    return RefusedError(
        fault.code or 131000,
        details=fault.details,
        subcode=fault.subcode,
        http_status=fault.http_status,
        is_transient=fault.is_transient,
    )


def _end(plan: Plan, content: dict[str, Any]) -> Response:
    match plan.ending:
        case "answer":
            return answer(content)
        case "server_error":
            fault = plan.server_error
            if fault is not None and fault.code is not None:
                return _refusal(fault).response()
            status = fault.http_status if fault is not None and fault.http_status else 500
            return Response("<html>Sorry, something went wrong.</html>", status, media_type="text/html")
        case "drop":
            return CutAnswer(b"")
        case "cut":
            return CutAnswer(orjson.dumps(content)[:10])


class CutAnswer(Response):
    """Closes the connection under the answer: before its first byte, or in the middle of the body."""

    def __init__(self, part: bytes) -> None:
        super().__init__(media_type="application/json")
        self._part = part

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Write what is to be written, then abort the transport, which uvicorn keeps on the cycle behind `receive`."""
        del scope
        if self._part:
            headers = [(b"content-type", b"application/json"), (b"content-length", b"300")]
            await send({"type": "http.response.start", "status": 200, "headers": headers})
            await send({"type": "http.response.body", "body": self._part, "more_body": True})
            await asyncio.sleep(0)
        transport: asyncio.Transport = receive.__self__.transport  # type: ignore[attr-defined]
        transport.abort()
        await asyncio.sleep(0.001)  # lets uvicorn notice, else it complains of a missing answer
