"""The Graph API as far as messages need it: `POST /{version}/{phone_number_id}/messages`."""

import asyncio
from typing import Any

import orjson
from starlette.requests import Request
from starlette.responses import Response

from simulator.authority import Authority
from simulator.customers import Conversation
from simulator.endings import end, is_gone
from simulator.figures import digits_of
from simulator.kinds.check import check_content
from simulator.kinds.sending import Sending
from simulator.numbers import Number
from simulator.payloads import check_envelope
from simulator.refusals import RefusedError
from simulator.world import World


class MessagesRoute:
    """Sends, read receipts and typing indicators."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._authority = Authority(world)

    async def post(self, request: Request) -> Response:
        """Answer one call as Graph would, faults included."""
        phone_number_id = request.path_params["phone_number_id"]
        try:
            number = self._authorize(request, phone_number_id)
            payload = _read(await request.body())
            if payload.get("status") == "read":
                return await self._mark_read(number, payload)
            return await self._send(number, payload, request)
        except RefusedError as refusal:
            self._world.account.refused[phone_number_id, refusal.code] += 1
            return refusal.response()

    def _authorize(self, request: Request, phone_number_id: str) -> Number:
        number = self._authority.number(request, phone_number_id)
        if not number.standing.registered:
            raise RefusedError(133010)
        if number.standing.status == "BANNED":
            raise RefusedError(131031)
        return number

    async def _mark_read(self, number: Number, payload: dict[str, Any]) -> Response:
        if not isinstance(payload.get("message_id"), str) or not payload["message_id"]:
            raise RefusedError(131008, details="message_id is required")
        typing = payload.get("typing_indicator")
        if typing not in (None, {"type": "text"}):
            raise RefusedError(131009, details="typing_indicator must be of the type text")
        plan = self._world.faults.plan(number.phone_number_id, "", "read")
        self._authority.stop_by(plan, number)
        await asyncio.sleep(number.knobs.answer_delay + plan.slow)
        if not plan.accepted:
            return end(plan, {})
        self._world.account.reads[number.phone_number_id] += 1
        if typing:
            self._world.account.typing[number.phone_number_id] += 1
        return end(plan, {"success": True})

    async def _send(self, number: Number, payload: dict[str, Any], request: Request) -> Response:
        check_envelope(payload)
        world, knobs = self._world, number.knobs
        conversation, to_phone = self._recipient(number, payload)
        late = check_content(Sending(world, number, conversation, payload, to_phone))
        plan = world.faults.plan(number.phone_number_id, conversation.customer, "send")
        self._authority.stop_by(plan, number)
        if not plan.accepted:
            world.account.lose(number.phone_number_id, conversation.customer, payload.get("biz_opaque_callback_data"))
            await asyncio.sleep(knobs.answer_delay + plan.slow)
            return end(plan, {})
        self._check_limits(number, conversation)
        message = world.accept(number, conversation, payload, plan=plan, to_phone=to_phone, late=late)
        if knobs.statuses_before_answer:
            world.deliver(message)
        if knobs.answer_delay:
            await asyncio.sleep(knobs.answer_delay)
        if not knobs.statuses_before_answer:
            world.deliver(message)
        if plan.slow:
            await asyncio.sleep(plan.slow)
        message.record.answer = "unheard" if is_gone(request.receive) else plan.ending
        contact = {"wa_id": conversation.wa_id} if to_phone else {"user_id": conversation.user_id}
        accepted = {
            "messaging_product": "whatsapp",
            "contacts": [{"input": payload["to"] if to_phone else payload["recipient"], **contact}],
            "messages": [{"id": message.record.wamid}],
        }
        return end(plan, accepted)

    def _recipient(self, number: Number, payload: dict[str, Any]) -> tuple[Conversation, bool]:
        """Who gets it, and whether it was sent to a phone number: `to` wins over `recipient`."""
        customers, to = self._world.customers, payload.get("to")
        if not to:
            known = customers.user(number, payload["recipient"])
            if known is None:
                raise RefusedError(131026, details="No user with this business-scoped user id")
            return known, False
        wa_id = digits_of(to)
        if not to.startswith("+"):
            self._world.account.without_plus += 1
            wa_id = wa_id if wa_id.startswith(number.country_code) else number.country_code + wa_id
        if wa_id == number.display_phone_number:
            raise RefusedError(131021)
        return customers.dialed(number, wa_id), True

    def _check_limits(self, number: Number, conversation: Conversation) -> None:
        now, knobs = self._world.clock.now(), number.knobs
        if not number.throughput.has_room(now, rate=number.per_second, burst=knobs.throughput_burst):
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
