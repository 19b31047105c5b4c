"""The simulated world: numbers, customers and what passes between them."""

import asyncio
import random
import secrets
from dataclasses import dataclass, field, replace
from typing import Any

from simulator.account import Accepted, Account
from simulator.business.assets import Assets
from simulator.business.subscription import OVERRIDABLE
from simulator.clock import Clock
from simulator.config import SimulatorConfig
from simulator.customers import Conversation, Customers, Said
from simulator.deliveries import Deliveries
from simulator.faults import Fault, Faults, Plan
from simulator.files import Files
from simulator.kinds_in import company, errors_of_value
from simulator.limits import TIERS, Reach
from simulator.numbers import Number
from simulator.outgoing import Outgoing
from simulator.player import Player
from simulator.templates import Shelf
from simulator.wire import Change, inbound_change

RE_ENGAGEMENT = 131047
OVER_LIMIT = 131048
"""Meta's pages name no code for it: this one says that a number may not send more messages for now."""


@dataclass(slots=True)
class World:
    """Everything the simulator knows. Nothing of it survives the process."""

    config: SimulatorConfig
    clock: Clock = field(default_factory=Clock)
    numbers: dict[str, Number] = field(default_factory=dict)
    customers: Customers = field(default_factory=Customers)
    account: Account = field(default_factory=Account)
    assets: Assets = field(init=False)
    files: Files = field(init=False)
    templates: Shelf = field(default_factory=Shelf)
    chance: random.Random = field(init=False)
    faults: Faults = field(init=False)
    player: Player = field(init=False)
    deliveries: Deliveries = field(init=False)
    emitted: dict[str, tuple[str, float]] = field(default_factory=dict)
    """Messages that a test put into webhooks by itself: type and timestamp by wamid."""
    _timers: set[asyncio.TimerHandle] = field(default_factory=set)
    _given_back: set[asyncio.TimerHandle] = field(default_factory=set)
    _held: list[Outgoing] = field(default_factory=list)
    _reaches: dict[str, Reach] = field(default_factory=dict)
    """By portfolio."""
    _run: str = field(default_factory=lambda: secrets.token_hex(5).upper())
    _wamids: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.config.seed)  # noqa: S311 - repeatable, not secret
        self.assets = Assets(self.config.app_id, self.config.portfolio_id, self.numbers)
        self.files = Files(self.assets.new_id)
        self.faults = Faults(self.chance)
        self.player = Player(self.faults, self.chance)
        self.deliveries = Deliveries(self.config, self.account.webhooks, self.faults)

    def new_wamid(self) -> str:
        """A message id that no other simulator gives."""
        self._wamids += 1
        return f"wamid.HBg{self._run}{self._wamids:010X}A="

    def say(
        self,
        number: Number,
        conversation: Conversation,
        *,
        type: str,  # noqa: A002 - Meta's own word
        content: Any,
        timestamp: int | None = None,
        group_id: str | None = None,
        extra: dict[str, Any] | None = None,
        contacts: bool = True,
    ) -> Said:
        """Let a customer say something: it is logged, counted and sent to the webhook."""
        said = self.written(conversation, type, content, timestamp=timestamp, group_id=group_id)
        conversation.add_said(said)
        number.throughput.count(said.said_at)
        change = inbound_change(
            number,
            conversation,
            said,
            extra=company(type) | (extra or {}),
            contacts=contacts,
            errors=errors_of_value(type, content),
        )
        self.tell(number, change, copies=number.knobs.webhook_copies)
        return said

    def written(
        self,
        conversation: Conversation,
        type: str,  # noqa: A002
        content: Any,
        *,
        timestamp: int | None = None,
        group_id: str | None = None,
    ) -> Said:
        """A message that somebody has just written, with an id of its own."""
        now = self.clock.now()
        return Said(
            wamid=self.new_wamid(),
            type=type,
            content=content,
            timestamp=int(now) if timestamp is None else timestamp,
            said_at=now,
            group_id=group_id,
            replies_before=len(conversation.replies),
        )

    def accept(
        self,
        number: Number,
        conversation: Conversation,
        payload: dict[str, Any],
        *,
        plan: Plan,
        to_phone: bool,
        late: tuple[int, str] | None = None,
    ) -> Outgoing:
        """Take a message in Meta's name: from here on it counts, whatever the caller gets to hear.

        `late` is the code, with details, that it fails with for what it says.
        """
        now = self.clock.now()
        number.throughput.count(now)
        record = Accepted(
            order=len(self.account.accepted) + 1,
            wamid=self.new_wamid(),
            phone_number_id=number.phone_number_id,
            customer=conversation.customer,
            type=payload["type"],
            callback_data=payload.get("biz_opaque_callback_data"),
            arrived_at=now,
            payload=payload,
        )
        if plan.fail is not None:
            record.fail(plan.fail.code or 131026, plan.fail.details)
        elif late is not None:
            record.fail(*late)
        elif not conversation.window_is_open(now):
            self._judge_outside_window(record, number, conversation)
        record.statuses_withheld = plan.withhold and record.outcome != "failed"
        self.account.accept(record)
        return Outgoing(record, number, conversation, payload, plan, to_phone, self._category(number, payload))

    def _category(self, number: Number, payload: dict[str, Any]) -> str:
        """What a message is charged as; a template that nobody has defined passes for utility."""
        if payload["type"] != "template":
            return "service"
        name, language = payload["template"]["name"], payload["template"]["language"]["code"]
        known = self.templates.find(number.waba_id, name, language)
        return "utility" if known is None else known.category.lower()

    def _judge_outside_window(self, record: Accepted, number: Number, conversation: Conversation) -> None:
        """Only templates are delivered there, to as many users as the portfolio's limit says; the rest ends late."""
        if record.type != "template":
            record.fail(RE_ENGAGEMENT)
        elif number.knobs.over_limit == "ignore" or self._has_reach(number, conversation):
            return
        elif number.knobs.over_limit == "hold":
            record.outcome = "held"
        else:
            record.fail(OVER_LIMIT)

    def deliver(self, message: Outgoing) -> None:
        """Hand an accepted message to its customer and send its statuses; a failed one only has its status.

        One that is over its portfolio's limit waits until there is room.
        """
        record, number = message.record, message.number
        if record.outcome == "held":
            self._held.append(message)
            return
        if record.outcome != "failed":
            record.outcome = "delivered"
            message.conversation.add_reply(message.reply(self.clock.now()))
        if record.statuses_withheld:
            return
        changes = self._statuses(message)
        if number.knobs.shuffle_statuses or message.plan.shuffle:
            self.chance.shuffle(changes)
        first = 1 if record.outcome == "failed" else 0
        for place, change in enumerate(changes, first):
            seconds = message.plan.late + place * number.knobs.status_interval
            self._later(seconds, number, change, message.plan.copies)

    def deliver_held(self) -> None:
        """Deliver what was over a limit and no longer is, in order."""
        held, self._held = self._held, []
        for message in held:
            message.record.outcome = "pending" if self._has_reach(message.number, message.conversation) else "held"
            self.deliver(message)

    def _has_reach(self, number: Number, conversation: Conversation) -> bool:
        """Count a user who is written to outside of a window; False if that is one more than the portfolio may."""
        business_id = self.assets.wabas[number.waba_id].business_id
        reach = self._reaches.setdefault(business_id, Reach())
        return reach.take(conversation.user_id, self.clock.now(), TIERS.get(number.standing.messaging_limit))

    def release(self, number: Number, *, shuffle: bool = False) -> int:
        """Send the statuses that `hold_statuses` kept; how many there were."""
        held, number.held = number.held, []
        if shuffle:
            self.chance.shuffle(held)
        for change in held:
            self.tell(number, change, copies=number.knobs.webhook_copies)
        return len(held)

    def tell(self, number: Number, change: Change, *, copies: int = 1) -> bool:
        """Send a change of a number's WABA to whoever subscribed to it; False, and nothing sent, if the app has not.

        Of the fields that an override covers, the number's own comes first, then its WABA's, then the app's address.
        """
        waba, app = self.assets.wabas[number.waba_id], self.assets.app
        if self.config.app_id not in waba.subscribed or not app.active or change["field"] not in app.fields:
            return False
        url = None
        if change["field"] in OVERRIDABLE:
            url = number.standing.override_callback_uri or waba.subscribed[self.config.app_id]
        self.deliveries.send((number.waba_id, change), copies=copies, url=url)
        return True

    def take_access(self, object_id: str, fault: Fault) -> None:
        """Kill the tokens of a number, or of all of a WABA, or take it from them; for the fault's time, if it has one.

        A token that is dead at Meta stays dead: what comes back after a while is a stand-in for a person's renewal.
        """
        number = self.numbers.get(object_id)
        numbers = [number] if number is not None else self.assets.numbers_of(object_id)

        def set_access(*, gone: bool) -> None:
            for one in numbers:
                changed = {"revoke": replace(one.knobs, revoked=gone), "remove": replace(one.knobs, removed=gone)}
                one.knobs = changed[fault.kind]

        def give_back() -> None:
            self._given_back.discard(timer)
            set_access(gone=False)

        set_access(gone=True)
        if fault.seconds:
            timer = asyncio.get_running_loop().call_later(fault.seconds, give_back)
            self._given_back.add(timer)

    async def settled(self, seconds: float) -> bool:
        """Wait until no status is due and every webhook was answered 200; False when `seconds` pass first."""
        try:
            async with asyncio.timeout(seconds):
                while self._timers or not self.deliveries.is_idle:  # noqa: ASYNC110 - three sources, none worth an event
                    await asyncio.sleep(0.01)
        except TimeoutError:
            return False
        return True

    async def close(self) -> None:
        """Drop what is due and stop delivering."""
        self.player.stop()
        for timer in self._timers | self._given_back:
            timer.cancel()
        await self.deliveries.close()

    def _statuses(self, message: Outgoing) -> list[Change]:
        if message.record.code is None:
            return message.statuses()
        fault = message.plan.fail
        is_foreign = fault is not None and fault.foreign_id
        return [message.failure(message.record.code, self.new_wamid() if is_foreign else message.record.wamid)]

    def _later(self, seconds: float, number: Number, change: Change, copies: int) -> None:
        def due() -> None:
            self._timers.discard(timer)
            if number.knobs.hold_statuses:
                number.held.extend([change] * copies)
                return
            self.tell(number, change, copies=max(copies, number.knobs.webhook_copies))

        timer = asyncio.get_running_loop().call_later(seconds, due)
        self._timers.add(timer)
