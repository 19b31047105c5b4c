"""The client's part for onboarding: businesses, numbers to be registered, codes, tokens, what was called."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from simulator.business.tokens import BOTH
from simulator.control_call import ControlCalls, instant


@dataclass(frozen=True, slots=True)
class Prepared:
    """A number that waits to be connected."""

    business_id: str
    waba_id: str
    phone_number_id: str
    display_phone_number: str
    """Digits only."""


@dataclass(frozen=True, slots=True)
class ManagementCall:
    """A management call as it reached the simulator."""

    call: str
    object_id: str
    at: datetime
    outcome: str
    """ok (took effect, whatever the caller got to hear), refused, lost, pending."""
    code: int | None
    answer: str
    """What the caller got: an answer, or what a fault left of it; `unheard`: it had gone before."""
    token_in_query: bool


class OnboardingClient(ControlCalls):
    """What the control API can do about everything before a number is connected."""

    async def add_business(self, business_id: str | None = None, **fields: Any) -> str:
        """Add or change a portfolio (`name`, `verification_status`, `health`); its id."""
        order = {"business_id": business_id} | fields
        return str((await self._call("POST", "/businesses", json=order))["business_id"])

    async def add_waba(self, waba_id: str | None = None, *, business_id: str | None = None, **fields: Any) -> str:
        """Add or change a WABA (`simulator.onboarding_orders.WabaOrder` has its fields); its id.

        A new one is shared with the app, and the app not subscribed to it. Without `business_id` it gets a new owner.
        """
        order = {"waba_id": waba_id, "business_id": business_id} | fields
        return str((await self._call("POST", "/wabas", json=order))["waba_id"])

    async def wabas(self) -> list[dict[str, Any]]:
        """All WABAs; `subscribed` maps app ids to overrides."""
        wabas: list[dict[str, Any]] = await self._call("GET", "/wabas")
        return wabas

    async def prepare_number(
        self,
        phone_number_id: str | None = None,
        *,
        waba_id: str | None = None,
        business_id: str | None = None,
        display_phone_number: str | None = None,
        knobs: dict[str, Any] | None = None,
        **standing: Any,
    ) -> Prepared:
        """Add a number as Embedded Signup leaves it: verified, to be registered. What is not named is made up.

        `standing` takes `simulator.onboarding_orders.StandingOrder`: `pin` for two-step verification, or
        `registered=True, status="CONNECTED", platform_type="CLOUD_API", throughput_level="STANDARD",
        is_on_biz_app=True` for coexistence.
        """
        order: dict[str, Any] = {"phone_number_id": phone_number_id, "waba_id": waba_id, "business_id": business_id}
        order |= {"knobs": knobs or {}, "standing": standing}
        if display_phone_number is not None:
            order["display_phone_number"] = display_phone_number.removeprefix("+")
        made = await self._call("POST", "/prepared-numbers", json=order)
        return Prepared(**{name: made[name] for name in Prepared.__dataclass_fields__})

    async def set_number(self, phone_number_id: str, **standing: Any) -> dict[str, Any]:
        """Change what a number stands at (`StandingOrder`); all of it then."""
        view: dict[str, Any] = await self._call("PATCH", f"/numbers/{phone_number_id}/standing", json=standing)
        return view

    async def number(self, phone_number_id: str) -> dict[str, Any]:
        """What a number stands at: status, pin, registrations in 72 h, override_callback_uri, what was synced."""
        view: dict[str, Any] = await self._call("GET", f"/numbers/{phone_number_id}/standing")
        return view

    async def issue_code(
        self,
        waba_id: str | None = None,
        *,
        waba_ids: Sequence[str] = (),
        scopes: Sequence[str] = BOTH,
        expires_in: timedelta | None = None,
        redirect_uri: str | None = None,
        **code: Any,
    ) -> str:
        """A code as the login popup hands it out: 30 s, once; `expires_in` is the life of its token (None: for ever).

        `code` takes the rest of `simulator.onboarding_orders.CodeOrder`: names_targets, business_id, app_id, announce.
        """
        order = _granted(waba_id, waba_ids, scopes, expires_in) | {"redirect_uri": redirect_uri} | code
        return str((await self._call("POST", "/codes", json=order))["code"])

    async def issue_token(
        self,
        waba_id: str | None = None,
        *,
        waba_ids: Sequence[str] = (),
        scopes: Sequence[str] = BOTH,
        expires_in: timedelta | None = None,
        **token: Any,
    ) -> str:
        """A token, as somebody pastes it by hand; see `issue_code`."""
        order = _granted(waba_id, waba_ids, scopes, expires_in) | token
        return str((await self._call("POST", "/tokens", json=order))["token"])

    async def change_tokens(self, **change: Any) -> int:
        """Change every token that is meant by `token`, `waba_id` or `phone_number_id`; how many.

        `revoked` (subcode 458, 460, 463 or 467; 0 revives), add_scopes, remove_scopes, remove_wabas, seconds, app_id.
        """
        return int((await self._call("PATCH", "/tokens", json=change))["changed"])

    async def tokens(self) -> list[dict[str, Any]]:
        """Every token that was exchanged or issued."""
        tokens: list[dict[str, Any]] = await self._call("GET", "/tokens")
        return tokens

    async def set_app(self, **app: Any) -> None:
        """Change the app's own subscription: `active`, `fields`; and `redirect_uris`, those that are valid."""
        await self._call("PATCH", "/app", json=app)

    async def calls(self, call: str | None = None, object_id: str | None = None) -> list[ManagementCall]:
        """The management calls that arrived, in order: of one name (`simulator.faults.CallName`) and object, or all."""
        query = {name: value for name, value in (("call", call), ("object_id", object_id)) if value is not None}
        rows = await self._call("GET", "/calls", params=query)
        return [_call(row) for row in rows]

    async def count(self, call: str, object_id: str | None = None) -> int:
        """How often a call arrived, refused ones included."""
        return len(await self.calls(call, object_id))


def _granted(
    waba_id: str | None, waba_ids: Sequence[str], scopes: Sequence[str], expires_in: timedelta | None
) -> dict[str, Any]:
    seconds = expires_in.total_seconds() if expires_in is not None else None
    return {"waba_ids": [waba_id, *waba_ids] if waba_id else [*waba_ids], "scopes": [*scopes], "seconds": seconds}


def _call(row: dict[str, Any]) -> ManagementCall:
    kept = {name: row[name] for name in ManagementCall.__dataclass_fields__}
    return ManagementCall(**(kept | {"at": instant(row["at"])}))
