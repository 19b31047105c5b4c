"""The client's part for messages of every kind: what customers and the business's own app write."""

import base64
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from simulator.control_call import ControlCalls, instant, named


@dataclass(frozen=True, slots=True)
class SentMessage:
    """A message that Graph accepted, whole."""

    wamid: str
    phone_number_id: str
    customer: str
    type: str
    payload: dict[str, Any]
    """As it was posted."""
    arrived_at: datetime
    outcome: str
    """delivered, failed, held or pending."""
    code: int | None
    """What it failed with."""
    details: str

    @property
    def content(self) -> Any:
        """What stands under the type's own key."""
        return self.payload[self.type]


@dataclass(frozen=True, slots=True)
class KeptFile:
    """A file that Graph has, or had until its time was over."""

    media_id: str
    phone_number_id: str
    mime_type: str
    expires_at: datetime
    from_customer: bool
    """False: it was uploaded."""
    size: int
    sha256: str
    """Hex."""


class KindsClient(ControlCalls):
    """Writes as a customer, and as the business in its own app.

    A customer is a phone number without `+`; with `user_id` both ids are the customer's. One who shares no phone number
    is named by the BSUID alone: in place of `wa_id`, or as `user_id` with None.
    """

    async def customer_sends(
        self,
        phone_number_id: str,
        wa_id: str | None,
        type: str,  # noqa: A002 - Meta's own word
        content: Any,
        *,
        user_id: str | None = None,
        timestamp: datetime | None = None,
        context: dict[str, Any] | str | None = None,
        referral: dict[str, Any] | None = None,
        **message: Any,
    ) -> str:
        """Let a customer write a message of any kind; the wamid.

        `content` is what stands under the type's own key: a known kind must have Meta's shape, and may be None where
        Meta sends none. `context` is Meta's object, or the wamid that is replied to. `message` takes the further fields
        of `simulator.kinds_orders.MessageOrder`: name, username, group_id, contacts, extra.
        """
        order = _customer(phone_number_id, wa_id, user_id) | _written(timestamp, context, referral) | message
        return str(
            (await self._call("POST", "/customer-messages", json=order | {"type": type, "content": content}))["wamid"]
        )

    async def customer_sends_file(
        self,
        phone_number_id: str,
        wa_id: str | None,
        kind: Literal["image", "video", "audio", "document", "sticker"],
        data: bytes,
        mime_type: str,
        *,
        filename: str | None = None,
        caption: str | None = None,
        voice: bool = False,
        **message: Any,
    ) -> str:
        """Let a customer send a file, which Graph gives out for 7 days; the wamid.

        `message` takes what `customer_sends` takes, and of `simulator.kinds_orders.FileOrder` animated, url (False: the
        webhook has none) and echo (True: the business sends it, in its own app).
        """
        order = _customer(phone_number_id, wa_id, message.pop("user_id", None))
        order |= _written(message.pop("timestamp", None)) | message
        order |= {"kind": kind, "data": base64.b64encode(data).decode(), "mime_type": mime_type, "voice": voice}
        order |= {"filename": filename, "caption": caption}
        return str((await self._call("POST", "/customer-files", json=order))["wamid"])

    async def business_app_sends(
        self,
        phone_number_id: str,
        wa_id: str | None,
        type: str,  # noqa: A002
        content: Any,
        *,
        user_id: str | None = None,
        timestamp: datetime | None = None,
        context: dict[str, Any] | str | None = None,
        **message: Any,
    ) -> str:
        """Let the business write to a customer in its own app, which comes as an echo; the wamid. Any kind."""
        order = _customer(phone_number_id, wa_id, user_id) | _written(timestamp, context) | message
        return str((await self._call("POST", "/echoes", json=order | {"type": type, "content": content}))["wamid"])

    async def set_customer(
        self, phone_number_id: str, wa_id: str | None, *, user_id: str | None = None, **customer: Any
    ) -> str:
        """Add a customer who has not written yet, or change `name`, `username`, `shares_phone`; the BSUID.

        One with `shares_phone=False` can be written to by the phone number, and webhooks still omit it.
        """
        order = _customer(phone_number_id, wa_id, user_id) | customer
        return str((await self._call("POST", "/customers", json=order))["user_id"])

    async def customer_changes_number(
        self, phone_number_id: str, customer: str, *, wa_id: str | None = None, **change: Any
    ) -> str:
        """Let a customer change the phone number, and with it the BSUID; the new BSUID.

        The system message is `user_changed_number`, or without the new `wa_id` `user_changed_user_id`. `change` takes
        `new_user_id` and `names_previous` (False: the former BSUID stands in the body alone).
        """
        order = _customer(phone_number_id, customer, None) | {"new_wa_id": wa_id} | change
        return str((await self._call("POST", "/changed-numbers", json=order))["user_id"])

    async def customer_prefers(
        self,
        phone_number_id: str,
        wa_id: str | None,
        value: Literal["stop", "resume", "signup"],
        *,
        user_id: str | None = None,
        timestamp: datetime | None = None,
        signup_id: str | None = None,
    ) -> bool:
        """Let a customer stop or resume marketing messages (`user_preferences`); whether the app was told."""
        order = _customer(phone_number_id, wa_id, user_id) | {"value": value, "signup_id": signup_id}
        if timestamp is not None:
            order["timestamp"] = int(timestamp.timestamp())
        return bool((await self._call("POST", "/preferences", json=order))["sent"])

    async def sent(self, phone_number_id: str | None = None, customer: str | None = None) -> list[SentMessage]:
        """What was accepted for a customer, a number or all of them, whole and in order."""
        wanted = (("phone_number_id", phone_number_id), ("customer", customer))
        rows = await self._call("GET", "/sent", params={name: value for name, value in wanted if value is not None})
        return [SentMessage(**(row | {"arrived_at": instant(row["arrived_at"])})) for row in rows]

    async def files(self) -> list[KeptFile]:
        """Every file that was uploaded or sent by a customer, in order; deleted ones are gone."""
        rows = await self._call("GET", "/files")
        return [KeptFile(**(row | {"expires_at": instant(row["expires_at"])})) for row in rows]

    async def file(self, media_id: str) -> bytes:
        """The bytes of a file."""
        response = await self._http.get(f"/files/{media_id}")
        response.raise_for_status()
        return response.content


def _customer(phone_number_id: str, wa_id: str | None, user_id: str | None) -> dict[str, Any]:
    if wa_id is not None and named(wa_id) == "user_id":
        wa_id, user_id = None, wa_id
    return {"phone_number_id": phone_number_id, "wa_id": wa_id, "user_id": user_id}


def _written(
    timestamp: datetime | None,
    context: dict[str, Any] | str | None = None,
    referral: dict[str, Any] | None = None,
) -> dict[str, Any]:
    claimed = None if timestamp is None else int(timestamp.timestamp())
    return {"timestamp": claimed, "context": context, "referral": referral}
