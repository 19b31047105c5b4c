"""Whether the number's webhooks reach us: the account's subscription and the number's own address, put right."""

from collections.abc import Sequence
from dataclasses import dataclass

from activities.checks import judging
from activities.checks.meta import Meta, failed
from activities.checks.report import Report
from store.checks import NumberToCheck
from store.findings import Found
from store.sealing import KeyRing
from whatsapp.account_facts import NumberFacts
from whatsapp.accounts import Done


@dataclass(frozen=True, slots=True)
class Subscribing:
    """Both are safe to set again: setting them twice changes nothing."""

    meta: Meta
    ring: KeyRing
    app_id: str
    callbacks: Sequence[str]
    override_url: str

    async def look(self, number: NumberToCheck, token: str, facts: NumberFacts, report: Report) -> None:
        """Compare and repair; the address comes last, since subscribing anew may clear an override."""
        report.look("subscription", await self._subscription(number, token), await self._address(number, token, facts))

    async def _subscription(self, number: NumberToCheck, token: str) -> Found | None:
        if await self._is_subscribed(number, token):
            return None
        done = await self.meta.subscribe(number.waba_id, token)
        if not isinstance(done, Done):
            return judging.not_subscribed(repaired=False, refused=failed(done)[0])
        return judging.not_subscribed(repaired=await self._is_subscribed(number, token))

    async def _is_subscribed(self, number: NumberToCheck, token: str) -> bool:
        apps = await self.meta.subscriptions(number.waba_id, token)
        if isinstance(apps, list):
            return any(one.app_id == self.app_id for one in apps)
        failed(apps)
        return False

    async def _address(self, number: NumberToCheck, token: str, facts: NumberFacts) -> Found | None:
        wanted = number.callback_url or self.override_url
        if not wanted:
            return judging.callback_elsewhere(facts, self.callbacks)
        if facts.callback_override == wanted:
            return None
        sealed = number.verify_token_sealed
        if sealed is None:
            return judging.override_lost(wanted, repaired=False)
        verify_token = self.ring.open(sealed, table="integrations", column="verify_token_sealed", row=number.id)
        done = await self.meta.set_number_callback(number.phone_number_id, token, url=wanted, verify_token=verify_token)
        if isinstance(done, Done):
            return judging.override_lost(wanted, repaired=True)
        return judging.override_lost(wanted, repaired=False, refused=failed(done)[0])
