"""The number's access token: judged by what Meta knows of it, and renewed before it ends where Meta allows that."""

from dataclasses import dataclass, replace
from datetime import UTC, datetime

import structlog

from activities.checks import judging
from activities.checks.meta import Meta, failed
from activities.checks.report import Report
from store import checks
from store.checks import NumberToCheck
from store.engine import Database
from store.sealing import KeyRing
from whatsapp.account_facts import Token, TokenFacts

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tokens:
    """What judging and renewing needs."""

    database: Database
    ring: KeyRing
    meta: Meta
    app_id: str

    async def look(self, number: NumberToCheck, token: str, report: Report) -> tuple[NumberToCheck, str]:
        """Judge the token; answers the one to go on with, since one that ends soon is renewed."""
        facts = await self.meta.inspect_token(token)
        if not isinstance(facts, TokenFacts):
            failed(facts)  # our app's own credentials: judged with the app; nothing is known of the token
            return number, token
        report.looked_at |= {"token", "expiry"}
        if not facts.is_valid:
            report.look("token", judging.dead_token(facts.error))
            report.hold("token")
            return number, token
        if facts.app_id != self.app_id:
            report.look("token", judging.other_app(facts))
            report.hold("token")
            return number, token
        missing = judging.scopes(facts)
        report.look("scopes", missing)
        if missing is not None:
            report.hold("permission")
        report.columns |= _token_columns(facts)
        return await self._renew(number, token, facts, report)

    async def _renew(
        self, number: NumberToCheck, token: str, facts: TokenFacts, report: Report
    ) -> tuple[NumberToCheck, str]:
        """Try for 60 more days from 20 days before the end; the old token is kept until Meta accepts the new one."""
        now = datetime.now(UTC)
        if facts.expires_at is None or facts.expires_at - now > judging.RENEW_FROM:
            return number, token
        new = await self.meta.renew_token(token)
        accepted = await self._accepted(new, facts) if isinstance(new, Token) else None
        if not isinstance(new, Token) or accepted is None:
            log.info("check.not_renewed", integration_id=str(number.id))
            report.look("expiry", judging.expiry(facts.expires_at, now, renewal=" Meta did not renew it."))
            return number, token
        stored = await checks.replace_renewed_token(
            self.database,
            self.ring,
            number,
            access_token=new.access_token,
            token_type=accepted.type,
            expires_at=accepted.expires_at,
            scopes=accepted.scopes,
        )
        again = await checks.read_number(self.database, number.id) if stored else None
        if again is None:
            return number, token  # replaced meanwhile: the record will notice, and all of it is looked at anew
        report.look("expiry", judging.renewed(accepted.expires_at))
        report.columns |= _token_columns(accepted)
        # The state is compared with what it was when the check began, not with what this write may have met.
        return replace(again, state=number.state, state_since=number.state_since), new.access_token

    async def _accepted(self, new: Token, old: TokenFacts) -> TokenFacts | None:
        facts = await self.meta.inspect_token(new.access_token)
        if not isinstance(facts, TokenFacts) or not facts.is_valid or facts.app_id != self.app_id:
            return None
        longer = facts.expires_at is None or (old.expires_at is not None and facts.expires_at > old.expires_at)
        return facts if longer and facts.scopes >= old.scopes else None


def _token_columns(facts: TokenFacts) -> dict[str, object]:
    return {
        "access_token_type": facts.type,
        "access_token_expires_at": facts.expires_at,
        "access_token_scopes": sorted(facts.scopes),
    }
