"""The control API's part for conversations: what customers say and hear, one by one or as a load."""

from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query
from starlette.responses import Response

from simulator import orders
from simulator.control.world import TheWorld, customer_of, number_of
from simulator.customers import Conversation
from simulator.load import Load
from simulator.refusals import answer

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


@router.post("/say")
async def say(world: TheWorld, order: orders.SayOrder) -> Json:
    """Let a customer say something, of any kind and shape."""
    number, conversation = customer_of(world, order)
    said = world.say(
        number,
        conversation,
        type=order.type,
        content=order.content if order.text is None else {"body": order.text},
        timestamp=order.timestamp,
        group_id=order.group_id,
        extra=order.extra,
        contacts=order.contacts,
    )
    return {"wamid": said.wamid, "customer": conversation.customer, "user_id": conversation.user_id}


@router.post("/load")
async def drive_load(world: TheWorld, order: orders.LoadOrder) -> Json:
    """Drive a load of customers and answer with what it came to, at its end."""
    return await Load(world, number_of(world, order.phone_number_id), order).run()


@router.get("/conversations")
async def list_conversations(world: TheWorld, phone_number_id: str | None = None) -> Response:
    """The conversations of one number or all, without what was said in them."""
    conversations = [c for c in world.customers.conversations if phone_number_id in {None, c.phone_number_id}]
    return answer([_conversation_view(c, world.clock.now()) for c in conversations])


@router.get("/conversations/{phone_number_id}/{customer}")
async def read_conversation(
    world: TheWorld,
    phone_number_id: str,
    customer: str,
    *,
    replies: Annotated[int, Query(ge=0)] = 0,
    after: str | None = None,
    patience: Annotated[float, Query(ge=0, le=600)] = 0.0,
) -> Response:
    """The log of a conversation, as soon as it has `replies` replies (after the message `after`, if named)."""
    conversation = world.customers.of(number_of(world, phone_number_id), **_identity(customer))
    before = 0 if after is None else conversation.replies_since(after)
    if before is None:
        raise HTTPException(404, f"{after} was not said in this conversation")
    reached = await conversation.wait_for_replies(before + replies, patience)
    view = _conversation_view(conversation, world.clock.now())
    return answer(
        view
        | {
            "reached": reached,
            "replies_before": before,
            "said": [asdict(said) for said in conversation.said],
            "replies": [asdict(reply) for reply in conversation.replies],
        }
    )


def _identity(customer: str) -> dict[str, str]:
    return {"wa_id": customer} if customer.isdecimal() else {"user_id": customer}


def _conversation_view(conversation: Conversation, now: float) -> Json:
    return {
        "phone_number_id": conversation.phone_number_id,
        "wa_id": conversation.wa_id,
        "user_id": conversation.user_id,
        "name": conversation.name,
        "said_count": len(conversation.said),
        "reply_count": len(conversation.replies),
        "unanswered_count": len(conversation.unanswered),
        "window_open": conversation.window_is_open(now),
        "window_opened_at": conversation.window_opened_at,
    }
