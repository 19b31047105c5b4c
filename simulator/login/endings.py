"""How a login ends, and what it leaves: accounts, numbers, a code, and what the opener is told."""

from dataclasses import asdict, dataclass, field
from typing import Annotated, Any, Literal

from pydantic import Field

from simulator.business.model import Waba
from simulator.notices import partner_app_installed
from simulator.numbers import Number
from simulator.onboarding_orders import CodeOrder, PreparedOrder, StandingOrder
from simulator.orders import Digits, Order, SomeSeconds
from simulator.preparing import new_token, prepare, waba_for
from simulator.world import World

Kind = Literal["finish", "finish_only_waba", "coexistence", "cancel", "report", "error", "close", "no_code"]
SUCCESSES = frozenset({"finish", "finish_only_waba", "coexistence", "close", "no_code"})
"""Endings after which the assets are shared."""


class EndingOrder(Order):
    """An ending, chosen in the popup or preset.

    `finish` connects a number, `finish_only_waba` an account without one, `coexistence` a number of the WhatsApp
    Business app. `cancel` leaves at `step`, `report` leaves with a reported problem, `error` shows one. `close` closes
    the last screen: a success without a message. `no_code` finishes, but the login yields no code.
    """

    kind: Kind = "finish"
    business_id: str | None = None
    waba_id: str | None = None
    phone_number_ids: list[str] | None = None
    """Existing numbers, the first of which the message names; None: `new_numbers` are made."""
    new_numbers: Annotated[int, Field(ge=1, le=20)] = 1
    display_phone_number: Digits | None = None
    names_number: bool = True
    """False: the message has no phone_number_id."""
    standing: StandingOrder = Field(default_factory=StandingOrder)
    """What new numbers stand at."""
    step: str = "PHONE_NUMBER_SETUP"
    """Where `cancel` leaves."""
    callback_first: bool = False
    """The login's callback comes before the message."""
    scopes: list[str] = Field(default_factory=lambda: CodeOrder(waba_ids=[]).scopes)
    names_targets: bool = True
    seconds: SomeSeconds | None = None
    """The token's life; None: for ever."""
    announce: bool = True
    """Whether PARTNER_APP_INSTALLED goes out."""
    auto: bool = True
    """Of a preset: the dialog ends so by itself, without a click."""


@dataclass(frozen=True, slots=True)
class Login:
    """A login that has ended."""

    kind: Kind
    code: str | None = None
    business_id: str | None = None
    waba_id: str | None = None
    phone_number_ids: list[str] = field(default_factory=list)

    def view(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self)


def end_login(world: World, order: EndingOrder, *, redirect_uri: str | None) -> Login:
    """Do what a finished signup does: share the account, and make the code. Nothing, if it was left."""
    if order.kind not in SUCCESSES:
        return Login(order.kind)
    waba, numbers = _connected(world, order)
    waba.shared = True
    code = None
    if order.kind != "no_code":
        token = new_token(
            world,
            CodeOrder(
                waba_ids=[waba.waba_id],
                scopes=order.scopes,
                names_targets=order.names_targets,
                seconds=order.seconds,
            ),
        )
        code = world.assets.new_code(token, now=world.clock.now(), redirect_uri=redirect_uri).text
    if order.announce:
        partner_app_installed(world, waba)
    return Login(order.kind, code, waba.business_id, waba.waba_id, [n.phone_number_id for n in numbers])


def _connected(world: World, order: EndingOrder) -> tuple[Waba, list[Number]]:
    numbers = [world.numbers[n] for n in order.phone_number_ids or () if n in world.numbers]
    waba = waba_for(world, numbers[0].waba_id if numbers else order.waba_id, order.business_id)
    if order.kind != "finish_only_waba" and not numbers:
        numbers = [_new_number(world, order, waba, place) for place in range(order.new_numbers)]
    for number in numbers:
        number.standing.onboarded_at = world.clock.now()
        number.standing.synced.clear()
        if order.kind == "coexistence":
            number.standing.connect()
            number.standing.is_on_biz_app = True
    return waba, numbers


def _new_number(world: World, order: EndingOrder, waba: Waba, place: int) -> Number:
    given = order.display_phone_number
    return prepare(
        world,
        PreparedOrder(
            waba_id=waba.waba_id,
            display_phone_number=str(int(given) + place) if given else None,
            standing=order.standing,
        ),
    )
