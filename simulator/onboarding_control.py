"""The control API's part for onboarding: businesses, WABAs, numbers to be registered, tokens, codes, calls."""

from dataclasses import asdict, replace
from typing import Any

from fastapi import APIRouter, HTTPException
from starlette.responses import Response

from simulator import onboarding_orders as orders
from simulator.business.model import Business, Waba
from simulator.business.standing import Standing, unregistered
from simulator.business.tokens import Token
from simulator.control_world import TheWorld
from simulator.notices import partner_app_installed
from simulator.numbers import Knobs, Number
from simulator.refusals import answer
from simulator.world import World

Json = dict[str, Any]


def add_onboarding_routes(router: APIRouter) -> None:
    """Everything that stands before a number is connected."""
    _add_assets(router)
    _add_numbers(router)
    _add_tokens(router)
    _add_app(router)


def _add_assets(router: APIRouter) -> None:
    @router.post("/businesses", status_code=201)
    async def add_business(world: TheWorld, order: orders.BusinessOrder) -> Json:
        business = world.assets.business(order.business_id or world.assets.new_id())
        _change(business, order.model_dump(exclude_none=True, exclude={"business_id"}))
        return asdict(business)

    @router.get("/businesses")
    async def list_businesses(world: TheWorld) -> list[Json]:
        return [asdict(business) for business in world.assets.businesses.values()]

    @router.post("/wabas", status_code=201)
    async def add_waba(world: TheWorld, order: orders.WabaOrder) -> Json:
        waba = waba_for(world, order.waba_id, order.business_id)
        changes = order.model_dump(exclude_none=True, exclude={"waba_id", "business_id", "subscribed", "other_apps"})
        _change(waba, changes)
        if order.subscribed is not None:
            waba.subscribed.pop(world.config.app_id, None)
            waba.subscribed |= {world.config.app_id: None} if order.subscribed else {}
        waba.subscribed |= dict.fromkeys(order.other_apps or ())
        return asdict(waba)

    @router.get("/wabas")
    async def list_wabas(world: TheWorld) -> list[Json]:
        return [asdict(waba) for waba in world.assets.wabas.values()]


def waba_for(world: World, waba_id: str | None, business_id: str | None) -> Waba:
    """The WABA of this id, or a new one, of this portfolio or a new one."""
    known = world.assets.wabas.get(waba_id or "")
    if known is not None and business_id is not None:
        known.business_id = world.assets.business(business_id).business_id
    if known is not None:
        return known
    return world.assets.waba(waba_id or world.assets.new_id(), business_id=business_id or world.assets.new_id())


def _change(target: Business | Waba | Standing, changes: Json) -> None:
    for name, value in changes.items():
        setattr(target, name, value)


def _add_numbers(router: APIRouter) -> None:
    @router.post("/prepared-numbers", status_code=201)
    async def prepare_number(world: TheWorld, order: orders.PreparedOrder) -> Json:
        return number_view(prepare(world, order))

    @router.get("/numbers/{phone_number_id}/standing")
    async def read_standing(world: TheWorld, phone_number_id: str) -> Json:
        return number_view(_number(world, phone_number_id))

    @router.patch("/numbers/{phone_number_id}/standing")
    async def change_standing(world: TheWorld, phone_number_id: str, order: orders.StandingOrder) -> Json:
        number = _number(world, phone_number_id)
        _stand(world, number.standing, order)
        world.deliver_held()
        return number_view(number)


def prepare(world: World, order: orders.PreparedOrder) -> Number:
    """A new number, verified and still to be registered, of a WABA that is there or made."""
    waba = waba_for(world, order.waba_id, order.business_id)
    phone_number_id = order.phone_number_id or world.assets.new_id()
    number = Number(
        phone_number_id=phone_number_id,
        waba_id=waba.waba_id,
        display_phone_number=order.display_phone_number or f"4930{phone_number_id[-8:]}",
        token="",
        business_id=waba.business_id,
        knobs=replace(Knobs(), **order.knobs.changes()),
        standing=unregistered(onboarded_at=world.clock.now()),
    )
    _stand(world, number.standing, order.standing)
    world.numbers[phone_number_id] = number
    return number


def _stand(world: World, standing: Standing, order: orders.StandingOrder) -> None:
    changes = order.model_dump(exclude_none=True, exclude={"registrations_made", "pin"})
    _change(standing, changes)
    if order.pin is not None:
        standing.pin = order.pin or None
    for _ in range(order.registrations_made or 0):
        standing.registrations.take(world.clock.now())


def _number(world: World, phone_number_id: str) -> Number:
    number = world.numbers.get(phone_number_id)
    if number is None:
        raise HTTPException(404, f"no number {phone_number_id}")
    return number


def number_view(number: Number) -> Json:
    """A number's identity and all it stands at, the PIN included."""
    standing = number.standing
    attempts = {"registrations": standing.registrations.count, "deregistrations": standing.deregistrations.count}
    plain = {name: getattr(standing, name) for name in orders.StandingOrder.model_fields if hasattr(standing, name)}
    identity = {
        "phone_number_id": number.phone_number_id,
        "waba_id": number.waba_id,
        "business_id": number.business_id,
        "display_phone_number": number.display_phone_number,
    }
    callback = {"override_callback_uri": standing.override_callback_uri, "synced": sorted(standing.synced)}
    return identity | plain | attempts | callback


def _add_tokens(router: APIRouter) -> None:
    @router.post("/tokens", status_code=201)
    async def issue_token(world: TheWorld, order: orders.TokenOrder) -> Json:
        return {"token": new_token(world, order).text}

    @router.post("/codes", status_code=201)
    async def issue_code(world: TheWorld, order: orders.CodeOrder) -> Json:
        token = new_token(world, order)
        code = world.assets.new_code(token, now=world.clock.now(), redirect_uri=order.redirect_uri)
        for waba_id in order.waba_ids if order.announce else ():
            partner_app_installed(world, world.assets.wabas[waba_id])
        return {"code": code.text, "expires_at": code.expires_at}

    @router.patch("/tokens")
    async def change_tokens(world: TheWorld, order: orders.TokenChangeOrder) -> Json:
        changed = [token for token in world.assets.tokens.values() if _is_meant(world, token, order)]
        for token in changed:
            _change_token(world, token, order)
        return {"changed": len(changed)}

    @router.get("/tokens")
    async def list_tokens(world: TheWorld) -> list[Json]:
        return [asdict(token) | {"waba_ids": sorted(token.waba_ids)} for token in world.assets.tokens.values()]


def new_token(world: World, order: orders.TokenOrder) -> Token:
    """A token for WABAs that are there."""
    missing = [waba_id for waba_id in order.waba_ids if waba_id not in world.assets.wabas]
    if missing:
        raise HTTPException(404, f"no WABA {missing[0]}: add it with POST /_control/wabas")
    owner = world.assets.wabas[order.waba_ids[0]].business_id if order.waba_ids else ""
    return world.assets.new_token(
        business_id=order.business_id or owner,
        waba_ids=order.waba_ids,
        now=world.clock.now(),
        scopes=order.scopes,
        seconds=order.seconds,
        names_targets=order.names_targets,
        app_id=order.app_id,
    )


def _is_meant(world: World, token: Token, order: orders.TokenChangeOrder) -> bool:
    waba_id = order.waba_id
    if order.phone_number_id is not None:
        waba_id = _number(world, order.phone_number_id).waba_id
    if waba_id is not None and waba_id not in token.waba_ids:
        return False
    return order.token in {None, token.text}


def _change_token(world: World, token: Token, order: orders.TokenChangeOrder) -> None:
    if order.revoked is not None:
        token.revoked = order.revoked or None
    if order.seconds is not None:
        token.expires_at = world.clock.now() + order.seconds if order.seconds else 0.0
    kept = [scope for scope in token.scopes if scope not in order.remove_scopes]
    token.scopes = list(dict.fromkeys([*kept, *order.add_scopes]))
    token.waba_ids -= set(order.remove_wabas)
    token.app_id = order.app_id or token.app_id


def _add_app(router: APIRouter) -> None:
    @router.patch("/app")
    async def change_app(world: TheWorld, order: orders.AppOrder) -> Json:
        for name, value in order.model_dump(exclude_none=True).items():
            setattr(world.assets.app, name, value)
        return asdict(world.assets.app)

    @router.get("/calls")
    async def list_calls(world: TheWorld, call: str | None = None, object_id: str | None = None) -> Response:
        """The management calls that arrived, in order, of one name and object or all."""
        return answer(world.account.calls.view(call=call, object_id=object_id))
