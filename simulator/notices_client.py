"""The client's part for logins, and for what Meta tells of its own accord."""

from dataclasses import dataclass
from typing import Any, Literal

from simulator.onboarding_client import OnboardingClient


@dataclass(frozen=True, slots=True)
class CallbackAnswer:
    """What a callback answered; None: nothing."""

    status: int | None
    body: str


class NoticesClient(OnboardingClient):
    """Presets the login's ending, and sends webhooks about accounts and numbers.

    What sends a webhook answers whether it was sent: not if the app is not subscribed to the WABA, or to the field.
    """

    async def preset_ending(self, kind: str = "finish", **ending: Any) -> None:
        """End the next login so (`simulator.login.endings.EndingOrder`); by itself unless `auto=False`."""
        await self._call("POST", "/login-endings", json={"kind": kind} | ending)

    async def forget_endings(self) -> None:
        """Take back every preset ending that was not used."""
        await self._call("DELETE", "/login-endings")

    async def logins(self) -> list[dict[str, Any]]:
        """The logins that ended: kind, code, business_id, waba_id, phone_number_ids."""
        logins: list[dict[str, Any]] = await self._call("GET", "/logins")
        return logins

    async def account_update(self, event: str, waba_id: str, *, apply: bool = True, **parts: Any) -> bool:
        """Send an account_update; `parts` are the event's own keys (ban_info, restriction_info …).

        With `apply` the world becomes as it says: PARTNER_REMOVED takes the WABA from the app, ACCOUNT_OFFBOARDED
        disconnects its numbers, ACCOUNT_RECONNECTED connects them, DISABLED_UPDATE bans or reinstates.
        """
        order = {"event": event, "waba_id": waba_id, "parts": parts, "apply": apply}
        return await self._sent("/account-updates", order)

    async def quality_update(
        self, phone_number_id: str, event: str = "THROUGHPUT_UPGRADE", *, limit: str | int | None = None
    ) -> bool:
        """Send a phone_number_quality_update."""
        order = {"phone_number_id": phone_number_id, "event": event, "limit": limit}
        return await self._sent("/quality-updates", order)

    async def name_update(
        self, phone_number_id: str, decision: str, *, name: str | None = None, reason: str | None = None
    ) -> bool:
        """Send a phone_number_name_update: APPROVED, REJECTED, PENDING or DEFERRED."""
        order = {"phone_number_id": phone_number_id, "decision": decision, "name": name, "reason": reason}
        return await self._sent("/name-updates", order)

    async def capability_update(self, waba_id: str, limit: str | int, *, most_numbers: int | None = None) -> bool:
        """Send a business_capability_update; a `TIER_…` is also what the numbers answer from then on."""
        return await self._sent(
            "/capability-updates", {"waba_id": waba_id, "limit": limit, "most_numbers": most_numbers}
        )

    async def send_past(
        self,
        phone_number_id: str,
        kind: Literal["smb_app_state_sync", "history"],
        *,
        values: list[dict[str, Any]] | None = None,
    ) -> bool:
        """Send the webhooks of a coexistence sync, as if it had been asked for."""
        return await self._sent("/past", {"phone_number_id": phone_number_id, "kind": kind, "values": values})

    async def signed_request(
        self, url: str, user_id: str, *, signature: Literal["valid", "wrong"] = "valid"
    ) -> CallbackAnswer:
        """Post what Facebook posts to the deauthorise and data-deletion callbacks."""
        order = {"url": url, "user_id": user_id, "signature": signature}
        return CallbackAnswer(**await self._call("POST", "/signed-request", json=order))

    async def _sent(self, path: str, order: dict[str, Any]) -> bool:
        return bool((await self._call("POST", path, json=order))["sent"])
