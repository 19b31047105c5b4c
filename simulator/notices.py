"""Webhooks about accounts and numbers, as Meta writes them."""

from typing import Any

from simulator.business.model import Waba
from simulator.wire import Change
from simulator.world import World


def partner_app_installed(world: World, waba: Waba) -> None:
    """Announce a finished signup: under the id of the app's own portfolio, the WABA inside."""
    info = {"waba_id": waba.waba_id, "owner_business_id": waba.business_id, "partner_app_id": world.config.app_id}
    tell_partner(world, account_update("PARTNER_APP_INSTALLED", waba_info=info))


def account_update(event: str, **parts: Any) -> Change:
    """A change of the field `account_update`."""
    return {"field": "account_update", "value": {"event": event, **parts}}


def tell_partner(world: World, change: Change) -> bool:
    """Send a change that concerns the app's own portfolio; False if the app has not subscribed to its field."""
    app = world.assets.app
    if not app.active or change["field"] not in app.fields:
        return False
    world.deliveries.send((world.config.portfolio_id, change), time=int(world.clock.now()))
    return True
