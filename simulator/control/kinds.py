"""The control API's part for messages of every kind: what customers and the business's own app write."""

import secrets
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from starlette.responses import Response

from simulator import kinds_orders as orders
from simulator.control.world import TheWorld, customer_of
from simulator.customers import Conversation, bsuid
from simulator.files import StoredFile
from simulator.numbers import Number
from simulator.received import receive_file
from simulator.refusals import answer
from simulator.wire import echo_change, messages_change
from simulator.world import World

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])
_TOLD_OF_SENT = ("wamid", "phone_number_id", "customer", "type", "payload", "arrived_at", "outcome", "code", "details")


@router.post("/echoes")
async def echo(world: TheWorld, order: orders.MessageOrder) -> Json:
    """Let the business write in its own app: the customer has it, and the app is told."""
    return _echo(world, order, order.type, order.content)


@router.post("/customer-messages")
async def write(world: TheWorld, order: orders.MessageOrder) -> Json:
    """Let a customer write a message of any kind."""
    return _say(world, order, order.type, order.content)


@router.post("/customer-files")
async def send_file(world: TheWorld, order: orders.FileOrder, request: Request) -> Json:
    """Let a customer send a file, or the business in its own app."""
    number, _ = customer_of(world, order)
    base_url = str(request.base_url) if order.url else None
    content = receive_file(world, number, order.data, order.mime_type, kind=order.kind, base_url=base_url)
    optional = {"caption": order.caption, "filename": order.filename}
    content |= {name: value for name, value in optional.items() if value is not None}
    told = {"voice": order.voice, "animated": order.animated}
    content |= {name: value for name, value in told.items() if name in content}
    write = _echo if order.echo else _say
    return write(world, order, order.kind, content) | {"media_id": content["id"]}


@router.post("/customers")
async def change_customer(world: TheWorld, order: orders.CustomerChange) -> Json:
    """Add a customer who has not written yet, or say something new of one."""
    _, conversation = customer_of(world, order)
    for name, value in order.model_dump(include={"name", "username", "shares_phone"}, exclude_none=True).items():
        setattr(conversation, name, value)
    return {"customer": conversation.customer, "user_id": conversation.user_id}


@router.post("/changed-numbers")
async def change_number(world: TheWorld, order: orders.ChangedNumberOrder) -> Json:
    """Let a customer change the phone number: the BSUID changes too, and a system message tells of it."""
    number, conversation = customer_of(world, order)
    former = (conversation.shared_phone, conversation.user_id)
    made = bsuid(number.business_id, order.new_wa_id or secrets.token_hex(8))
    user_id = order.new_user_id or made
    content = _system(conversation, order, user_id)
    said = world.written(conversation, "system", content)
    world.customers.change(conversation, wa_id=order.new_wa_id, user_id=user_id)
    conversation.add_said(said)
    message = {"id": said.wamid, "timestamp": str(said.timestamp), "type": "system", "system": content}
    if former[0] and order.new_wa_id:
        message["from"] = former[0]
    world.tell(number, messages_change(number, messages=[message]), copies=number.knobs.webhook_copies)
    return {"wamid": said.wamid, "user_id": user_id}


@router.post("/preferences")
async def prefer(world: TheWorld, order: orders.PreferenceOrder) -> Json:
    """Let a customer stop or resume marketing messages."""
    number, conversation = customer_of(world, order)
    conversation.wants_marketing = order.value != "stop"
    phone = {"wa_id": conversation.shared_phone} if conversation.shared_phone else {}
    preference = {
        **phone,
        "user_id": conversation.user_id,
        "detail": f"User requested to {order.value} marketing messages",
        "category": "marketing_messages",
        "value": order.value,
        **({"signup_id": order.signup_id} if order.signup_id else {}),
        "timestamp": int(world.clock.now()) if order.timestamp is None else order.timestamp,
    }
    change = messages_change(number, contacts=[conversation.contact()], user_preferences=[preference])
    change["field"] = "user_preferences"
    return {"sent": world.tell(number, change, copies=number.knobs.webhook_copies)}


@router.get("/sent")
async def list_sent(world: TheWorld, phone_number_id: str | None = None, customer: str | None = None) -> Response:
    """Every message that was accepted, whole, in order."""
    rows = [
        {name: getattr(message, name) for name in _TOLD_OF_SENT}
        for message in world.account.accepted
        if phone_number_id in {None, message.phone_number_id} and customer in {None, message.customer}
    ]
    return answer(rows)


@router.get("/files")
async def list_files(world: TheWorld) -> list[Json]:
    """Every file, over or not, without its bytes."""
    return [_file_view(stored) for stored in world.files.stored.values()]


@router.get("/files/{media_id}")
async def read_file(world: TheWorld, media_id: str) -> Response:
    """The bytes of a file."""
    stored = world.files.stored.get(media_id)
    if stored is None:
        raise HTTPException(404, f"no file {media_id}")
    shut = {"content-security-policy": "sandbox; default-src 'none'", "x-content-type-options": "nosniff"}
    return Response(stored.data, media_type=stored.mime_type, headers=shut)


def _file_view(stored: StoredFile) -> Json:
    names = ("media_id", "phone_number_id", "mime_type", "expires_at", "from_customer")
    sizes = {"size": len(stored.data), "sha256": stored.sha256.hex()}
    return {name: getattr(stored, name) for name in names} | sizes


def _system(conversation: Conversation, order: orders.ChangedNumberOrder, user_id: str) -> Json:
    """What tells of a changed number: with the new one, or, where Meta does not share it, of the BSUID alone."""
    previous = {"previous_user_id": conversation.user_id} if order.names_previous else {}
    if order.new_wa_id is None:
        body = f"User {conversation.name} changed from {conversation.user_id} to {user_id}"
        return {"body": body, "type": "user_changed_user_id", "user_id": user_id, **previous}
    names = f"{conversation.shared_phone or conversation.user_id} to {order.new_wa_id}"
    body = f"User {conversation.name} changed from {names}"
    changed = {"wa_id": order.new_wa_id, "user_id": user_id, **previous}
    return {"body": body, "type": "user_changed_number", **changed}


def _say(world: World, order: orders.WrittenOrder, kind: str, content: Any) -> Json:
    number, conversation = customer_of(world, order)
    extra = _beside(order, number)
    said = world.say(
        number,
        conversation,
        type=kind,
        content=content,
        timestamp=order.timestamp,
        group_id=order.group_id,
        extra=extra,
        contacts=kind != "system" if order.contacts is None else order.contacts,
    )
    return {"wamid": said.wamid, "customer": conversation.customer, "user_id": conversation.user_id}


def _echo(world: World, order: orders.WrittenOrder, kind: str, content: Any) -> Json:
    number, conversation = customer_of(world, order)
    said = world.written(conversation, kind, content, timestamp=order.timestamp)
    conversation.echoes.append(said)
    number.throughput.count(said.said_at)
    change = echo_change(number, conversation, said, extra=_beside(order, number))
    return {"wamid": said.wamid, "sent": world.tell(number, change, copies=number.knobs.webhook_copies)}


def _beside(order: orders.WrittenOrder, number: Number) -> Json:
    """What stands beside the content; a bare wamid as context is a reply to a message of the business."""
    context = order.context
    if isinstance(context, str):
        context = {"from": number.display_phone_number, "id": context}
    found = {"context": context, "referral": order.referral}
    return {name: value for name, value in found.items() if value} | order.extra
