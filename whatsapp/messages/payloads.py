"""The JSON that Graph takes (section 6)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

CALLBACK_DATA_LIMIT = 512


@dataclass(frozen=True, slots=True)
class Recipient:
    """Whom a message goes to. Where both are known the phone number wins, as it does at Meta."""

    wa_id: str | None
    user_id: str | None
    """The BSUID, exactly as Meta wrote it."""

    def address(self) -> dict[str, str]:
        """The keys that name the recipient.

        Raises:
            ValueError: neither is known.
        """
        if self.wa_id:
            # Without "+" Meta prepends the business number's country code, and a stranger may get the message.
            return {"to": "+" + self.wa_id.removeprefix("+")}
        if self.user_id:
            return {"recipient": self.user_id}
        raise ValueError("a recipient needs a wa_id or a user_id")


def payload(
    to: Recipient, kind: str, content: Mapping[str, Any], *, callback_data: str, reply_to: str | None = None
) -> dict[str, Any]:
    """The JSON of a message of any type whose content `validate_content` has nothing against.

    `callback_data` comes back in its statuses (not in `failed`) and tells whose they are.

    Raises:
        ValueError: the recipient has no address.
    """
    made: dict[str, Any] = {
        "messaging_product": "whatsapp",
        "recipient_type": "individual",
        **to.address(),
        "type": kind,
        kind: content[kind],
        "biz_opaque_callback_data": callback_data[:CALLBACK_DATA_LIMIT],
    }
    quoted = reply_to or content.get("context", {}).get("message_id")
    if quoted:
        made["context"] = {"message_id": quoted}
    return made


def text(to: Recipient, body: str, *, reply_to: str | None, callback_data: str) -> dict[str, Any]:
    """A text message's JSON."""
    return payload(to, "text", {"text": {"body": body}}, callback_data=callback_data, reply_to=reply_to)


def read_receipt(wamid: str, *, typing: bool) -> dict[str, Any]:
    """Marks a message and those before it as read; with `typing`, shows the indicator until the reply or for 25 s."""
    made: dict[str, Any] = {"messaging_product": "whatsapp", "status": "read", "message_id": wamid}
    if typing:
        made["typing_indicator"] = {"type": "text"}
    return made
