"""Webhook bodies written from the facts of Meta's format, to be varied by tests."""

import json
from typing import Any

WABA, NUMBER, SHOWN = "102290129340398", "106540352242922", "15550783881"
ANNA = {"profile": {"name": "Anna"}, "wa_id": "4915112345678", "user_id": "DE.1001"}
BEN = {"profile": {"name": "Ben", "username": "ben.b"}, "wa_id": "4915187654321", "user_id": "DE.1002"}
AT = "1795262400"


def message(**more: Any) -> dict[str, Any]:
    return {"from": "4915112345678", "id": "wamid.A", "timestamp": AT, "type": "text", "text": {"body": "hi"}} | more


def status(**more: Any) -> dict[str, Any]:
    return {"id": "wamid.B", "status": "delivered", "timestamp": AT, "recipient_id": "4915112345678"} | more


def value(**lists: Any) -> dict[str, Any]:
    return {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": SHOWN, "phone_number_id": NUMBER},
        **lists,
    }


def change(field: str = "messages", **lists: Any) -> dict[str, Any]:
    return {"field": field, "value": value(**lists)}


def body(*changes: Any, waba: Any = WABA) -> bytes:
    return envelope({"id": waba, "changes": list(changes)})


def envelope(*entries: Any) -> bytes:
    return json.dumps({"object": "whatsapp_business_account", "entry": list(entries)}).encode()
