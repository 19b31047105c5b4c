"""A file that a customer sends: kept at Meta, and told by its id."""

import base64
from typing import Any

from simulator.numbers import Number
from simulator.world import World


def receive_file(
    world: World, number: Number, data: bytes, mime_type: str, *, kind: str, base_url: str | None
) -> dict[str, Any]:
    """Keep a file and answer the content of its message; with a URL under `base_url`, if there is one."""
    now = world.clock.now()
    stored = world.files.add(number.phone_number_id, data, mime_type, now=now, from_customer=True)
    content: dict[str, Any] = {
        "id": stored.media_id,
        "mime_type": mime_type,
        "sha256": base64.b64encode(stored.sha256).decode(),
    }
    if kind == "audio":
        content["voice"] = False
    if kind == "sticker":
        content["animated"] = False
    if base_url is not None:
        content["url"] = world.files.url(stored, base_url, now=now, source="webhook")
    return content
