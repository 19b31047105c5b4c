"""`POST /{phone}/smb_app_data`: a number that is used in the app too hands over its contacts and its history."""

from simulator.management.call import Call, Json
from simulator.management.objects import number_of
from simulator.past import send_past
from simulator.refusals import RefusedError

SYNC_SECONDS = 24 * 3600.0
SYNCS = ("smb_app_state_sync", "history")


async def sync(call: Call) -> Json:
    """Start one of the two syncs: each once, within 24 h of the onboarding. What nobody subscribed to is lost."""
    number = number_of(call)
    standing, kind = number.standing, call.text("sync_type")
    if call.text("messaging_product") != "whatsapp" or kind not in SYNCS:
        raise RefusedError(100, message="(#100) Param sync_type must be one of smb_app_state_sync, history")
    if not standing.is_on_biz_app:
        raise RefusedError(100, message="(#100) The phone number is not in use with the WhatsApp Business app")
    if kind in standing.synced:
        raise RefusedError(2593107)
    if call.world.clock.now() >= standing.onboarded_at + SYNC_SECONDS:
        raise RefusedError(2593108)
    standing.synced.add(kind)
    send_past(call.world, number, kind)
    return {"messaging_product": "whatsapp", "request_id": call.world.assets.new_id()}
