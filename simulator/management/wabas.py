"""Portfolios and WABAs: themselves, and what belongs to them, paged by cursors."""

from collections.abc import Sequence
from typing import Any

from simulator.business.model import Waba
from simulator.business.tokens import BUSINESS
from simulator.management.call import Call, Json
from simulator.management.health import health_of_waba
from simulator.management.numbers import DEFAULT_LISTED, number_row
from simulator.management.objects import business_of, choose, waba_of
from simulator.management.pages import page
from simulator.refusals import RefusedError
from simulator.world import World


async def read_business(call: Call) -> Json:
    """A portfolio."""
    business = business_of(call)
    row = {
        "id": business.business_id,
        "name": business.name,
        "verification_status": business.verification_status,
        "is_hidden": False,
    }
    return choose(call, row, kind="Business", default=("id", "name"))


async def read_waba(call: Call) -> Json:
    """A WABA."""
    return _chosen(call, waba_of(call))


async def owned_wabas(call: Call) -> Json:
    """The WABAs that a portfolio owns, as far as they are shared with the app."""
    business = business_of(call)
    return _wabas(call, [w for w in call.world.assets.wabas.values() if w.business_id == business.business_id])


async def client_wabas(call: Call) -> Json:
    """The WABAs that others have shared with a portfolio: only the app's own has such."""
    business = business_of(call)
    is_partner = business.business_id == call.world.config.portfolio_id
    wabas = call.world.assets.wabas.values() if is_partner else ()
    return _wabas(call, [w for w in wabas if w.business_id != business.business_id])


async def list_numbers(call: Call) -> Json:
    """A WABA's numbers, newest onboarding first unless the sort says otherwise."""
    waba = waba_of(call)
    numbers = [number for number in call.world.assets.numbers_of(waba.waba_id) if not number.knobs.removed]
    if "last_onboarded_time_ascending" in call.text("sort"):
        numbers.reverse()
    kind = "WhatsAppBusinessPhoneNumber"
    rows = [choose(call, number_row(call.world, n), kind=kind, default=DEFAULT_LISTED) for n in numbers]
    return page(call, rows)


def _wabas(call: Call, wabas: Sequence[Waba]) -> Json:
    if BUSINESS not in call.holder.scopes:
        raise RefusedError(200, message="(#200) Requires business_management permission to manage the object.")
    return page(call, [_chosen(call, waba) for waba in wabas if call.holder.sees(waba)])


def _chosen(call: Call, waba: Waba) -> Json:
    default = ("id", "name", "currency", "timezone_id", "message_template_namespace")
    return choose(call, _row(call.world, waba), kind="WhatsAppBusinessAccount", default=default)


def _row(world: World, waba: Waba) -> dict[str, Any]:
    owner = world.assets.business(waba.business_id)
    return {
        "id": waba.waba_id,
        "name": waba.name,
        "currency": waba.currency,
        "timezone_id": waba.timezone_id,
        "message_template_namespace": f"ns_{waba.waba_id}",
        "account_review_status": waba.account_review_status,
        "business_verification_status": owner.verification_status,
        "country": "DE",
        "ownership_type": "CLIENT_OWNED",
        "status": "ACTIVE",
        "owner_business_info": {"id": owner.business_id, "name": owner.name},
        "on_behalf_of_business_info": None,
        "health_status": health_of_waba(world, waba),
    }
