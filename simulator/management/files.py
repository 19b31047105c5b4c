"""Reading and deleting a file by its id."""

from typing import Any

from simulator.files import StoredFile
from simulator.management.call import Call
from simulator.refusals import RefusedError, dead_token, invisible_object


async def read_media(call: Call) -> Any:
    """What a file is, and the URL to download it from within five minutes."""
    stored = file_of(call)
    now = call.world.clock.now()
    url = call.world.files.url(stored, call.base_url, now=now, source="getMedia", expired=call.plan.expire)
    size = len(stored.data)
    return {
        "messaging_product": "whatsapp",
        "url": url,
        "mime_type": stored.mime_type,
        "sha256": stored.sha256.hex(),
        "file_size": str(size) if stored.from_customer else size,
        "id": stored.media_id,
    }


async def delete_media(call: Call) -> Any:
    """Forget a file."""
    call.world.files.delete(file_of(call).media_id)
    return {"success": True}


def file_of(call: Call) -> StoredFile:
    """The file that the path names, if it lives and the token sees its number."""
    stored = call.world.files.find(call.object_id, call.world.clock.now())
    number = call.world.numbers.get(stored.phone_number_id) if stored is not None else None
    if stored is None or number is None or number.knobs.removed:
        raise invisible_object(call.object_id, method=call.method)
    if not call.holder.sees(call.world.assets.wabas[number.waba_id]):
        raise invisible_object(call.object_id, method=call.method)
    if number.knobs.revoked:
        raise dead_token()
    if call.text("phone_number_id") not in {"", stored.phone_number_id}:
        raise RefusedError(100, details="The media was not uploaded or received by this phone number")
    return stored
