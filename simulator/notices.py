"""Webhooks about accounts and numbers, as Meta writes them, and what the world is like after each."""

from dataclasses import replace
from typing import Any

from simulator.business.model import Waba
from simulator.numbers import Number
from simulator.wire import Change
from simulator.world import World


def partner_app_installed(world: World, waba: Waba) -> None:
    """Announce a finished signup."""
    account_update(world, waba, "PARTNER_APP_INSTALLED", {}, apply=False)


def account_update(world: World, waba: Waba, event: str, parts: dict[str, Any], *, apply: bool) -> bool:
    """Send an `account_update`; False if the app does not get it. `parts` are the event's own keys.

    PARTNER_* events come under the id of the app's own portfolio with the WABA inside, subscribed to it or not.
    `apply` makes the world as the event says.
    """
    if event.startswith("PARTNER_"):
        info = {"waba_id": waba.waba_id, "owner_business_id": waba.business_id}
        if event.startswith("PARTNER_APP_"):
            info["partner_app_id"] = world.config.app_id
        change = {"field": "account_update", "value": {"event": event, "waba_info": info, **parts}}
        sent = _send(world, world.config.portfolio_id, change)
    else:
        sent = tell_waba(world, waba, {"field": "account_update", "value": {"event": event, **parts}})
    if apply:
        _apply(world, waba, event, parts)
    return sent


def quality_update(world: World, number: Number, event: str, limit: Any) -> bool:
    """Send a `phone_number_quality_update`, which tells of throughput; THROUGHPUT_UPGRADE makes it 1,000 a second."""
    value: dict[str, Any] = {"display_phone_number": number.display_phone_number, "event": event}
    if limit is not None:
        value |= {"current_limit": limit, "max_daily_conversations_per_business": limit}
    if event == "THROUGHPUT_UPGRADE":
        number.standing.throughput_level, number.knobs = "HIGH", replace(number.knobs, throughput=None)
    return tell_waba(
        world, world.assets.wabas[number.waba_id], {"field": "phone_number_quality_update", "value": value}
    )


def name_update(world: World, number: Number, decision: str, name: str | None, reason: str | None) -> bool:
    """Send a `phone_number_name_update`; an approved name is the number's from then on."""
    standing = number.standing
    value = {
        "display_phone_number": number.display_phone_number,
        "decision": decision,
        "requested_verified_name": name or standing.verified_name,
        "rejection_reason": reason,
    }
    if decision == "APPROVED":
        standing.verified_name, standing.name_status = str(value["requested_verified_name"]), "APPROVED"
    elif decision == "REJECTED":
        standing.name_status = "DECLINED"
    return tell_waba(world, world.assets.wabas[number.waba_id], {"field": "phone_number_name_update", "value": value})


def capability_update(world: World, waba: Waba, limit: Any, most_numbers: int | None) -> bool:
    """Send a `business_capability_update`; a `TIER_…` becomes the limit of all the portfolio's numbers."""
    value: dict[str, Any] = {"max_daily_conversations_per_business": limit}
    if most_numbers is not None:
        value["max_phone_numbers_per_business"] = most_numbers
    for number in world.numbers.values() if str(limit).startswith("TIER_") else ():
        if world.assets.wabas[number.waba_id].business_id == waba.business_id:
            number.standing.messaging_limit = limit
    world.deliver_held()
    return tell_waba(world, waba, {"field": "business_capability_update", "value": value})


def tell_waba(world: World, waba: Waba, change: Change) -> bool:
    """Send a change of a WABA, always to the app's own address; False if the app is not subscribed to the WABA."""
    return world.config.app_id in waba.subscribed and _send(world, waba.waba_id, change)


def _send(world: World, entry_id: str, change: Change) -> bool:
    app = world.assets.app
    if not app.active or change["field"] not in app.fields:
        return False
    world.deliveries.send((entry_id, change), time=int(world.clock.now()))
    return True


def _apply(world: World, waba: Waba, event: str, parts: dict[str, Any]) -> None:
    numbers = world.assets.numbers_of(waba.waba_id)
    if event in {"PARTNER_REMOVED", "PARTNER_APP_UNINSTALLED", "ACCOUNT_DELETED"}:
        waba.shared = False
        waba.subscribed.pop(world.config.app_id, None)
    elif event == "ACCOUNT_OFFBOARDED":
        for number in numbers:
            number.standing.disconnect()
    elif event == "ACCOUNT_RECONNECTED":
        for number in numbers:
            number.standing.connect()
    elif event == "DISABLED_UPDATE" and isinstance(ban := parts.get("ban_info"), dict):
        _ban(numbers, str(ban.get("waba_ban_state")))


def _ban(numbers: list[Number], state: str) -> None:
    """Ban an account's numbers, or reinstate them: one that was never registered still has to be."""
    for number in numbers:
        if state == "DISABLE":
            number.standing.status = "BANNED"
        elif state == "REINSTATE":
            number.standing.status = "CONNECTED" if number.standing.registered else "PENDING"
