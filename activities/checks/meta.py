"""Meta's side, as far as a check asks for it; and what a refusal means for one."""

from typing import Protocol

from store.errors import MetaUnavailableError
from whatsapp.account_facts import AppSubscription, NumberFacts, Subscription, Token, TokenFacts
from whatsapp.accounts import Done
from whatsapp.calls import Failure, NotWritten, Refused
from whatsapp.errors import Verdict
from whatsapp.template_calls import TemplateCalls


class Meta(Protocol):
    """The calls of a check; `whatsapp.accounts.Accounts` has them."""

    @property
    def templates(self) -> TemplateCalls:
        """The calls about message templates."""
        ...

    async def inspect_token(self, token: str) -> TokenFacts | Failure:
        """What Meta knows of a token."""
        ...

    async def renew_token(self, token: str) -> Token | Failure:
        """A token for 60 more days."""
        ...

    async def number(self, phone_number_id: str, token: str) -> NumberFacts | Failure:
        """One number."""
        ...

    async def subscriptions(self, waba_id: str, token: str) -> list[Subscription] | Failure:
        """The apps that receive an account's webhooks."""
        ...

    async def subscribe(self, waba_id: str, token: str) -> Done | Failure:
        """Subscribe our app to an account."""
        ...

    async def set_number_callback(
        self, phone_number_id: str, token: str, *, url: str, verify_token: str
    ) -> Done | Failure:
        """Have one number's webhooks sent elsewhere."""
        ...

    async def app_subscriptions(self) -> list[AppSubscription] | Failure:
        """Where our app's webhooks go."""
        ...


def failed(failure: object) -> tuple[Refused, Verdict]:
    """Meta's refusal for good, and what it means.

    Raises:
        MetaUnavailableError: it passes by itself, or there was no answer: the check is repeated.
    """
    if isinstance(failure, NotWritten) and failure.put_off is not None:
        raise MetaUnavailableError(f"Meta was not asked: {failure.reason}.")
    if not isinstance(failure, Refused):
        raise MetaUnavailableError(f"Meta gave no answer: {getattr(failure, 'reason', 'none that can be read')}.")
    verdict = failure.verdict()
    if verdict.kind in ("retry", "unknown"):
        raise MetaUnavailableError(f"Meta refuses for the moment (code {failure.code}): {verdict.meaning}")
    return failure, verdict
