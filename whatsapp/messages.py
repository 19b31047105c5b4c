"""Outbound content: what we store, checked, and made into the JSON that Graph takes (section 6).

Content is stored as agents and scripts give it: under the type's own key, `{"text": {"body": "…"}}`, and, for a reply
to one message, `"context": {"message_id": "wamid…"}`. A new type is one entry in `_PROBLEMS`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

TEXT_LIMIT = 4096
CALLBACK_DATA_LIMIT = 512
ID_LIMIT = 512

Content = Mapping[str, Any]


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
    to: Recipient, kind: str, content: Content, *, callback_data: str, reply_to: str | None = None
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


def validate_content(kind: str, content: Content) -> list[str]:
    """What Meta would refuse, each problem naming the field and its limit; empty when it may be sent.

    Nothing that was given is repeated, a field's name neither: an agent may have put its answer in the wrong place, and
    the words end in Temporal's history.
    """
    problems_of = _PROBLEMS.get(kind)
    if problems_of is None:
        return [f"type: cannot be sent; one of {', '.join(sorted(_PROBLEMS))} can"]
    problems = _unknown_fields("message", content, (kind, "context"))
    if "context" in content:
        problems += _context_problems(content["context"])
    part = content.get(kind)
    return problems + (problems_of(part) if isinstance(part, Mapping) else [f"{kind}: must be an object"])


def _context_problems(context: Any) -> list[str]:
    if not isinstance(context, Mapping):
        return ["context: must be an object"]
    return _string_problems("context.message_id", context.get("message_id"), ID_LIMIT)


def _text_problems(part: Content) -> list[str]:
    problems = _unknown_fields("text", part, ("body", "preview_url"))
    problems += _string_problems("text.body", part.get("body"), TEXT_LIMIT)
    if not isinstance(part.get("preview_url", False), bool):
        problems.append("text.preview_url: must be true or false")
    return problems


def _unknown_fields(where: str, part: Content, known: Sequence[str]) -> list[str]:
    return [f"{where}: has a field beside {' and '.join(known)}"] if set(part) - set(known) else []


def _string_problems(field: str, value: Any, limit: int) -> list[str]:
    if not isinstance(value, str):
        return [f"{field}: must be a text"]
    if not value.strip():
        return [f"{field}: must not be empty"]
    if len(value) > limit:
        return [f"{field}: has {len(value)} characters, {limit} at most"]
    if "\x00" in value or not _encodes(value):
        return [f"{field}: has a NUL or half a surrogate pair, which no text may have"]
    return []


def _encodes(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True


_PROBLEMS: dict[str, Callable[[Content], list[str]]] = {"text": _text_problems}
