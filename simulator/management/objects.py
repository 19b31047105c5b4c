"""The objects of a call, or Graph's refusal of what its token cannot see."""

import re
from typing import Any

from simulator.business.model import Business, Waba
from simulator.management.call import Call
from simulator.numbers import Number
from simulator.refusals import RefusedError, dead_token, invisible_object

_BRACED = re.compile(r"\{[^{}]*\}|\.\w+\([^()]*\)")


def waba_of(call: Call) -> Waba:
    """The WABA that the path names."""
    waba = call.world.assets.wabas.get(call.object_id)
    if waba is None or not call.holder.sees(waba):
        raise invisible_object(call.object_id, method=call.method)
    return waba


def number_of(call: Call) -> Number:
    """The number that the path names."""
    number = call.world.numbers.get(call.object_id)
    if number is None or number.knobs.removed or not call.holder.sees(call.world.assets.wabas[number.waba_id]):
        raise invisible_object(call.object_id, method=call.method)
    if number.knobs.revoked:
        raise dead_token()
    return number


def business_of(call: Call) -> Business:
    """The portfolio that the path names: the one that granted the token, or the app's own."""
    business = call.world.assets.businesses.get(call.object_id)
    if business is None or business.business_id not in {call.holder.business_id, call.world.config.portfolio_id}:
        raise invisible_object(call.object_id, method=call.method)
    return business


def choose(call: Call, row: dict[str, Any], *, kind: str, default: tuple[str, ...]) -> dict[str, Any]:
    """The fields that `fields` asks for, the default ones without it; always with the id. What is unset is left out."""
    asked = call.text("fields")
    while _BRACED.search(asked):
        asked = _BRACED.sub("", asked)
    names = [name.strip() for name in asked.split(",") if name.strip()] or list(default)
    for name in names:
        if name not in row:
            message = f"(#100) Tried accessing nonexisting field ({name}) on node type ({kind})"
            raise RefusedError(100, message=message)
    return {name: row[name] for name in dict.fromkeys([*names, "id"]) if row[name] is not None}
