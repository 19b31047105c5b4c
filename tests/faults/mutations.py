"""Webhook bodies broken in every way that came to mind, repeatable by their seed."""

import json
import random
from collections.abc import Callable, Iterator
from copy import deepcopy
from typing import Any

_STRANGE: tuple[Any, ...] = (
    *(None, True, 0, -1, 2**31, 2**63, 10**400, 1.5, 1e308, [], {}, "", " ", "\x00", "a\x00b", "\ud800", "\u202e", "0"),
    *(
        "9" * 30,
        "-1",
        "1e9",
        "NaN",
        "253402300800",
        "x" * 20_000,
        "'; DROP TABLE messages; --",
        [[]],
        {"": {"": None}},
    ),
    *([None], ["text"], {"body": None}, {"id": {}}, "wamid.", "2026-01-01T00:00:00Z", "ÿ" * 70, "🙂" * 5000),
)


def bodies(line: Any, count: int, *, seed: int = 0) -> Iterator[bytes]:
    """`count` bodies for a line (its `waba_id` and `phone_number_id`), most of them no longer what Meta would send."""
    chance = random.Random(seed)  # noqa: S311 - repeatable, not secret
    for number in range(count):
        envelope = _envelope(line, number, chance)
        for _ in range(chance.choice((1, 1, 2, 5))):
            if envelope:
                chance.choice(_MUTATIONS)(envelope, chance)
        body = json.dumps(envelope, ensure_ascii=chance.random() < 0.5).encode(errors="surrogatepass")
        yield _damaged(body, chance) if chance.random() < 0.2 else body


def _envelope(line: Any, number: int, chance: random.Random) -> dict[str, Any]:
    changes = [_change(line, f"{number}.{place}", chance) for place in range(chance.choice((1, 1, 3)))]
    return {"object": "whatsapp_business_account", "entry": [{"id": line.waba_id, "changes": changes}]}


def _change(line: Any, name: str, chance: random.Random) -> dict[str, Any]:
    metadata = {"display_phone_number": line.phone_number[1:], "phone_number_id": line.phone_number_id}
    value: dict[str, Any] = {"messaging_product": "whatsapp", "metadata": metadata}
    field, content = chance.choice(_KINDS)(name, chance)
    return {"field": field, "value": value | content}


def _message(name: str, chance: random.Random) -> tuple[str, dict[str, Any]]:
    customer = f"49160{chance.randrange(30):07}"
    kind, content = chance.choice(
        (
            ("text", {"body": "hello"}),
            ("image", {"id": "1", "mime_type": "image/jpeg", "sha256": "x", "caption": "look"}),
            ("button", {"payload": "yes", "text": "Yes"}),
            ("reaction", {"message_id": "wamid.X", "emoji": "🙂"}),
            ("interactive", {"type": "list_reply", "list_reply": {"id": "1", "title": "One"}}),
            ("location", {"latitude": 1.5, "longitude": 2}),
            ("unsupported", {"type": "poll"}),
        )
    )
    message = {"from": customer, "id": f"wamid.M{name}", "timestamp": "1795262400", "type": kind, kind: content}
    message["context"] = {"from": customer, "id": "wamid.Y"}
    contact = {"profile": {"name": "Customer"}, "wa_id": customer, "user_id": f"US.{customer}"}
    return "messages", {"contacts": [contact], "messages": [message]}


def _status(name: str, chance: random.Random) -> tuple[str, dict[str, Any]]:
    status: dict[str, Any] = {
        "id": f"wamid.M{name}",
        "status": chance.choice(("sent", "delivered", "read", "failed", "played")),
        "timestamp": "1795262400",
        "recipient_id": "491600000001",
        "biz_opaque_callback_data": "0192aaaa-0000-7000-8000-000000000000.1",
        "errors": [{"code": 131026, "title": "undeliverable", "error_data": {"details": "no"}}],
    }
    return "messages", {"statuses": [status]}


def _notice(_: str, chance: random.Random) -> tuple[str, dict[str, Any]]:
    field = chance.choice(("account_update", "phone_number_quality_update", "smb_message_echoes", "calls", "new_field"))
    content = {"event": "ACCOUNT_RESTRICTION", "message_echoes": [{"to": "491600000002"}], "calls": [{"id": "c"}]}
    return field, content


_KINDS = (_message, _message, _message, _status, _status, _notice)


def _places(node: Any) -> list[tuple[Any, Any]]:
    """Every place in a body, as the container and the key or index in it."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    found: list[tuple[Any, Any]] = []
    for key, inner in items:
        found.append((node, key))
        found += _places(inner)
    return found


def _deep_place(envelope: Any, chance: random.Random) -> tuple[Any, Any]:
    """A place, more often within a change than above it."""
    places = _places(envelope)
    return chance.choice(places[5:] if len(places) > 5 and chance.random() < 0.9 else places)


def _replace(envelope: Any, chance: random.Random) -> None:
    container, key = _deep_place(envelope, chance)
    container[key] = deepcopy(chance.choice(_STRANGE))


def _remove(envelope: Any, chance: random.Random) -> None:
    container, key = _deep_place(envelope, chance)
    del container[key]


def _rename(envelope: Any, chance: random.Random) -> None:
    container, key = _deep_place(envelope, chance)
    if isinstance(container, dict):
        container[f"{key}_"] = container.pop(key)


def _repeat(envelope: Any, chance: random.Random) -> None:
    container, key = _deep_place(envelope, chance)
    container[key] = [deepcopy(container[key])] * 3


def _nest(envelope: Any, chance: random.Random) -> None:
    container, key = _deep_place(envelope, chance)
    for _ in range(chance.choice((1, 10, 50))):
        container[key] = {"x": container[key]}


def _swap(envelope: Any, chance: random.Random) -> None:
    (one, key), (other, other_key) = _deep_place(envelope, chance), _deep_place(envelope, chance)
    one[key] = deepcopy(other[other_key])


_MUTATIONS: tuple[Callable[[Any, random.Random], None], ...] = (
    _replace,
    _replace,
    _remove,
    _rename,
    _repeat,
    _nest,
    _swap,
)


def _damaged(body: bytes, chance: random.Random) -> bytes:
    """Cut, or a byte changed, or what is no JSON at all."""
    at = chance.randrange(len(body))
    deep = body.replace(b'"text"', b"[" * 900 + b"]" * 900, 1)
    return chance.choice(
        (
            body[:at],
            deep,
            body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :],
            b"",
            b"[]",
            b"null",
            b"\xff\xfe",
            b"[" * 9999,
        )
    )
