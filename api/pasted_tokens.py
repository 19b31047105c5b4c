"""A token that somebody typed in is believed only when Meta says that it is ours, valid, and can see the number."""

from dataclasses import dataclass
from typing import NoReturn

from store.errors import (
    InvalidRequestError,
    MetaUnavailableError,
    MissingPermissionError,
    NotFoundError,
    TokenInvalidError,
    UnavailableError,
    WrongAppError,
)
from whatsapp.accounts import Accounts, Failure, NumberFacts, Refused, TokenFacts, Waba
from whatsapp.signup import missing_scopes

_NO_SUCH_OBJECT = 100
"""Meta's code for a wrong parameter; with 33 it is an id that does not exist or that the token cannot see."""


@dataclass(frozen=True, slots=True)
class Proven:
    """What Meta says of a token and of the number it was given for."""

    token: TokenFacts
    waba: Waba
    number: NumberFacts


@dataclass(frozen=True, slots=True)
class PastedTokens:
    """Asks Meta about a token, and by the token itself about the account and the number that it is for.

    `accounts` is None where this process has no way to Meta, `app_id` is that of our app.
    """

    accounts: Accounts | None
    app_id: str

    async def prove(self, token: str, *, waba_id: str, phone_number_id: str) -> Proven:
        """What Meta says, if all of it is as it has to be.

        Raises:
            TokenInvalidError, WrongAppError, MissingPermissionError: it is none that we could work with.
            NotFoundError: it cannot see this account, or the account has no such number.
            MetaUnavailableError: Meta did not answer; nothing is known.
            UnavailableError: there is no way to Meta, or our app is not set up.
        """
        if self.accounts is None or not self.app_id:
            raise UnavailableError("Our app at Meta is not set up.", next_step="Set META_APP_ID and META_APP_SECRET.")
        facts = await self.accounts.inspect_token(token)
        if not isinstance(facts, TokenFacts):
            _refuse(facts, "the token")
        _check(facts, app_id=self.app_id)
        waba = await self.accounts.waba(waba_id, token)
        if not isinstance(waba, Waba):
            _refuse(waba, f"the WhatsApp Business Account {waba_id}")
        numbers = await self.accounts.numbers(waba_id, token)
        if not isinstance(numbers, list):
            _refuse(numbers, f"the numbers of the WhatsApp Business Account {waba_id}")
        found = [number for number in numbers if number.id == phone_number_id]
        if not found:
            raise NotFoundError(
                f"The WhatsApp Business Account {waba_id} has no number with the id {phone_number_id}.",
                next_step="Copy both ids from WhatsApp Manager, API setup.",
            )
        return Proven(facts, waba, found[0])


def check_phone_number(given: str, number: NumberFacts) -> None:
    """Refuse a phone number that is not the one behind the id.

    Raises:
        InvalidRequestError: Meta knows the number as another one.
    """
    known = number.display_phone_number
    if known is not None and _digits(known) != _digits(given):
        raise InvalidRequestError(f"phone_number: Meta knows the number {number.id} as {known}.")


def _check(facts: TokenFacts, *, app_id: str) -> None:
    if facts.app_id not in {None, app_id}:
        raise WrongAppError(f"The token belongs to the app {facts.app_id}, not to ours ({app_id}).")
    if not facts.is_valid or facts.app_id is None:
        raise TokenInvalidError(f"Meta says that the token is not valid: {facts.error or 'no reason given'}")
    missing = missing_scopes(facts.scopes)
    if missing:
        raise MissingPermissionError(f"The token lacks {' and '.join(missing)}.")


def _refuse(failure: Failure, what: str) -> NoReturn:
    """Say in our words why Meta did not tell of something."""
    if not isinstance(failure, Refused) or failure.is_transient:
        raise MetaUnavailableError("Meta did not answer; nothing was stored.", next_step="Try again in a moment.")
    verdict = failure.verdict()
    if verdict.kind in {"retry", "unknown"}:
        raise MetaUnavailableError("Meta refused for the moment; nothing was stored.", next_step="Try again later.")
    if verdict.hold == "token":
        raise TokenInvalidError(f"Meta does not take the token: {verdict.meaning}")
    if verdict.hold == "permission" and failure.code != _NO_SUCH_OBJECT:
        raise MissingPermissionError(f"With this token Meta does not show {what}.")
    raise NotFoundError(
        f"With this token Meta does not show {what}.", next_step="Check the ids and the token's assets."
    )


def _digits(number: str) -> str:
    return "".join(character for character in number if character.isdigit())
