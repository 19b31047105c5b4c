"""The token is looked at: of our app, valid, with both permissions."""

from activities.onboarding.desk import Desk, done, failed, refusal
from store.endings import ENDINGS
from store.onboarding_steps import MetaSaid, StepEnd, Taken
from store.onboardings import unseal
from whatsapp.accounts import TokenFacts
from whatsapp.signup import missing_scopes


async def inspect(desk: Desk, taken: Taken) -> StepEnd:
    """Have Meta tell what the token is, and refuse one that we could not work with."""
    row = taken.row
    token = unseal(desk.ring, "token_sealed", row.token_sealed, row.id)
    facts = await desk.accounts.inspect_token(token)
    if not isinstance(facts, TokenFacts):
        return refusal(facts, "inspect the access token", for_good="app_refused")
    if facts.app_id != desk.rules.app_id:
        return _ended("wrong_app")
    if not facts.is_valid:
        return _ended("token_invalid", said=MetaSaid(detail=facts.error))
    missing = missing_scopes(facts.scopes)
    if missing:
        says = f"The access token lacks {' and '.join(missing)}."
        return failed("missing_permission", says, ENDINGS["missing_permission"].next_step)
    end = "without an end" if facts.expires_at is None else f"until {facts.expires_at:%Y-%m-%d}"
    return done(
        f"The access token is valid {end}, with all permissions that are needed.",
        token_type=facts.type,
        token_expires_at=facts.expires_at,
        token_scopes=sorted(facts.scopes),
    )


def _ended(code: str, *, said: MetaSaid | None = None) -> StepEnd:
    ending = ENDINGS[code]
    return failed(code, ending.says, ending.next_step, said=said)
