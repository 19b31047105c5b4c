"""Which apps get a WABA's webhooks, and what the app itself subscribed to."""

from simulator.management.call import Call, Json
from simulator.management.objects import waba_of
from simulator.management.override import checked_override
from simulator.refusals import invisible_object


async def subscribed_apps(call: Call) -> Json:
    """The apps that get the WABA's webhooks, each with its override."""
    waba = waba_of(call)
    rows = []
    for app_id, override in waba.subscribed.items():
        name = "Holdfast" if app_id == call.world.config.app_id else "Another app"
        row: Json = {"whatsapp_business_api_data": {"id": app_id, "name": name, "link": "https://www.facebook.com/"}}
        rows.append(row | ({"override_callback_uri": override} if override else {}))
    return {"data": rows}


async def subscribe(call: Call) -> Json:
    """Subscribe the calling app, or override its callback for this WABA; an empty body clears an override."""
    waba = waba_of(call)
    waba.subscribed[call.holder.app_id] = await checked_override(call, waba, call.params)
    return {"success": True}


async def unsubscribe(call: Call) -> Json:
    """Take the calling app's subscription away."""
    waba_of(call).subscribed.pop(call.holder.app_id, None)
    return {"success": True}


async def app_subscriptions(call: Call) -> Json:
    """The app's own subscription: where webhooks go, whether they do, and of which fields."""
    if call.object_id != call.world.config.app_id:
        raise invisible_object(call.object_id, method=call.method)
    url, app = call.world.deliveries.config.webhook_url, call.world.assets.app
    if not url or not app.fields:
        return {"data": []}
    fields = [{"name": name, "version": app.version} for name in app.fields]
    row = {"object": "whatsapp_business_account", "callback_url": url, "active": app.active, "fields": fields}
    return {"data": [row]}
