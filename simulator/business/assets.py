"""Everything that businesses have and have shared: the register behind Graph's management calls."""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field

from simulator.business.model import Business, Waba
from simulator.business.subscription import AppSubscription
from simulator.business.tokens import BOTH, CODE_SECONDS, Code, Token, new_token_text
from simulator.numbers import Number


@dataclass(slots=True)
class Assets:
    """Portfolios, WABAs, numbers, tokens and codes."""

    app_id: str
    portfolio_id: str
    numbers: dict[str, Number] = field(default_factory=dict)
    businesses: dict[str, Business] = field(default_factory=dict)
    wabas: dict[str, Waba] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    codes: dict[str, Code] = field(default_factory=dict)
    app: AppSubscription = field(default_factory=AppSubscription)
    _last_id: int = field(default_factory=lambda: 10**15 + secrets.randbelow(10**14))

    def __post_init__(self) -> None:
        self.business(self.portfolio_id).name = "Holdfast"

    def new_id(self) -> str:
        """An id such as Meta gives."""
        self._last_id += 1
        return str(self._last_id)

    def business(self, business_id: str) -> Business:
        """The portfolio of this id, made if there is none."""
        return self.businesses.setdefault(business_id, Business(business_id))

    def waba(self, waba_id: str, *, business_id: str, subscribed: bool = False) -> Waba:
        """The WABA of this id, made if there is none; a new one is shared, and subscribed to by the app if so asked."""
        self.business(business_id)
        if (known := self.wabas.get(waba_id)) is not None:
            return known
        waba = Waba(waba_id, business_id, subscribed={self.app_id: None} if subscribed else {})
        self.wabas[waba_id] = waba
        return waba

    def numbers_of(self, waba_id: str) -> list[Number]:
        """The WABA's numbers, newest onboarding first."""
        found = [number for number in self.numbers.values() if number.waba_id == waba_id]
        return sorted(found, key=lambda number: number.standing.onboarded_at, reverse=True)

    def grant(self, text: str, waba: Waba) -> Token:
        """Let a token, made with both scopes if it is new, see a WABA."""
        token = self.tokens.get(text)
        if token is None:
            token = self.tokens[text] = Token(text, self.app_id, waba.business_id, set())
        token.waba_ids.add(waba.waba_id)
        return token

    def drop_own_token(self, number: Number) -> None:
        """Forget the token a number was added with, unless another number has it too: 190 from now on."""
        if not any(other.token == number.token for other in self.numbers.values() if other is not number):
            self.tokens.pop(number.token, None)

    def new_token(
        self,
        *,
        business_id: str,
        waba_ids: Iterable[str],
        now: float,
        scopes: Iterable[str] = BOTH,
        seconds: float | None = None,
        names_targets: bool = True,
        app_id: str | None = None,
    ) -> Token:
        """A new token; `seconds` until it expires, None for never."""
        token = Token(
            new_token_text(),
            app_id or self.app_id,
            business_id,
            set(waba_ids),
            scopes=list(scopes),
            names_targets=names_targets,
            issued_at=now,
            expires_at=now + seconds if seconds is not None else 0.0,
        )
        self.tokens[token.text] = token
        return token

    def new_code(self, token: Token, *, now: float, redirect_uri: str | None = None) -> Code:
        """A code for this token, which is worth nothing before the exchange."""
        code = Code("AQ" + secrets.token_urlsafe(96), token, now + CODE_SECONDS, redirect_uri)
        self.tokens.pop(token.text, None)
        self.codes[code.text] = code
        return code
