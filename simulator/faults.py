"""Faults: what the simulator does to a call or a webhook on purpose, how often and to whom.

A fault is plain data, so that a script or a seed can make it.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal[
    "drop", "cut", "half_close", "close_idle", "server_error", "slow", "refuse", "revoke", "remove",
    "fail", "withhold", "late", "shuffle", "duplicate",
    "repeat", "batch",
    "mangle", "expire",
]  # fmt: skip
Ending = Literal["answer", "drop", "cut", "half_close", "close_idle", "server_error"]
CallName = Literal[
    "send", "read",
    "exchange", "renew", "debug_token",
    "business", "owned_wabas", "client_wabas", "waba", "phone_numbers", "number",
    "change_number", "register", "deregister", "sync",
    "subscribed_apps", "subscribe", "unsubscribe", "subscriptions",
    "profile", "change_profile", "upload_session", "upload", "upload_offset",
    "upload_media", "media", "download", "delete_media",
    "templates", "template", "make_template", "edit_template", "delete_template",
    "webhook",
]  # fmt: skip
"""Every call that Graph answers here, and `webhook`: every update that is delivered to the app.

A POST to a number that sets a PIN or an override is `change_number`.
"""

_OF_CALLS = ("drop", "cut", "half_close", "close_idle", "server_error", "slow", "refuse", "revoke", "remove")
_OF_SENDS = ("fail", "withhold", "late", "shuffle", "duplicate")
_OF_WEBHOOKS = ("late", "duplicate", "repeat", "batch")
_OF_FILES = {"download": ("mangle",), "media": ("expire",)}


def kinds_of(call: str) -> tuple[str, ...]:
    """The kinds of faults that a call can meet.

    Sends alone have statuses. A webhook may come late or often, never not at all: Meta delivers at least once.
    """
    if call == "webhook":
        return _OF_WEBHOOKS
    return _OF_CALLS + (_OF_SENDS if call == "send" else _OF_FILES.get(call, ()))


@dataclass(slots=True)
class Fault:
    """One fault.

    Of the answer: `drop` resets the connection without a byte, `cut` does so in mid-answer, `half_close` shuts the
    writing side without a byte, `server_error` answers 5xx: all four after the message was accepted, or before it with
    `accepted` false. `close_idle` answers, reads nothing more from that connection and closes it `seconds` later: what
    is written into it meanwhile is lost. `slow` answers `seconds` late (statuses do not wait for the answer), `refuse`
    answers with `code`. `revoke` kills the tokens of the number, `remove` takes the number from them: from this call
    on, for `seconds`, or for good with 0.

    Of a send's statuses: `fail` sends one late `failed` with `code`, under a wamid that nobody knows with `foreign_id`;
    `withhold` sends none ever of a message that arrives, `late` sends them `seconds` later, `shuffle` in any order,
    `duplicate` each `copies` times.

    Of webhooks (`call` is `webhook`): `late` waits a random time up to `seconds`, `duplicate` delivers `copies` times,
    `repeat` does not hear the app's 200 and delivers again until `copies` were, `batch` puts into one body what comes
    within `seconds`.

    Of files: `expire` (`call` is `media`) names a URL that is over already, `mangle` (`download`) gives other bytes of
    the same length. A download is `cut` at half, comes in pieces over the `seconds` of `slow`, and is answered 404 by
    `refuse`; an upload that is lost with `accepted` false is ended while its bytes still come.
    """

    kind: FaultKind
    id: int = 0
    phone_number_id: str | None = None
    """None: every number. Of management calls, whatever object the path names: a WABA, a portfolio, the app."""
    recipient: str | None = None
    """A wa_id or BSUID; None: everybody."""
    call: CallName = "send"
    after: int = 0
    """How many calls that it would meet pass before the first it meets."""
    count: int | None = None
    """How many calls it meets; None: no end."""
    probability: float = 1.0
    accepted: bool = True
    seconds: float = 0.0
    code: int | None = None
    subcode: int | None = None
    http_status: int | None = None
    is_transient: bool | None = None
    details: str = ""
    copies: int = 2
    foreign_id: bool = False
    hits: int = 0
    passed: int = 0

    def meets(self, phone_number_id: str, recipient: str, call: str, chance: random.Random) -> bool:
        """Whether it applies to this call; one that applies is counted."""
        if self.call != call or (self.count is not None and self.hits >= self.count):
            return False
        if self.phone_number_id not in {None, phone_number_id} or self.recipient not in {None, recipient}:
            return False
        if self.passed < self.after:
            self.passed += 1
            return False
        if self.probability < 1.0 and chance.random() >= self.probability:
            return False
        self.hits += 1
        return True


@dataclass(slots=True)
class Plan:
    """What befalls one call or webhook, all faults that meet it together."""

    ending: Ending = "answer"
    accepted: bool = True
    """False: the ending comes before Meta took the message."""
    slow: float = 0.0
    ended_by: Fault | None = None
    """The fault behind `ending`."""
    refuse: Fault | None = None
    access: Fault | None = None
    """`revoke` or `remove`."""
    fail: Fault | None = None
    withhold: bool = False
    late: float = 0.0
    shuffle: bool = False
    copies: int = 1
    unheard: int = 0
    """How many answers of the app are not heard."""
    batch: float | None = None
    """Seconds for which a webhook waits for company."""
    mangle: bool = False
    expire: bool = False


UNDISTURBED = Plan()


@dataclass(slots=True)
class Faults:
    """The faults in force."""

    chance: random.Random
    active: list[Fault] = field(default_factory=list)
    _last_id: int = 0

    def add(self, fault: Fault) -> int:
        """Put a fault in force and name it."""
        self._last_id += 1
        fault.id = self._last_id
        self.active.append(fault)
        return fault.id

    def remove(self, fault_id: int | None = None) -> None:
        """End one fault, or all of them."""
        self.active = [fault for fault in self.active if fault_id is not None and fault.id != fault_id]

    def plan(self, phone_number_id: str, recipient: str, call: str) -> Plan:
        """What befalls this call."""
        if not self.active:
            return UNDISTURBED
        plan = Plan()
        for fault in self.active:
            if fault.meets(phone_number_id, recipient, call, self.chance):
                _apply(fault, plan)
        return plan


def _apply(fault: Fault, plan: Plan) -> None:
    match fault.kind:
        case "drop" | "cut" | "half_close" | "close_idle" | "server_error":
            plan.ending, plan.ended_by = fault.kind, fault
            plan.accepted = fault.accepted or fault.kind == "close_idle"
        case "slow":
            plan.slow = max(plan.slow, fault.seconds)
        case "refuse":
            plan.refuse = fault
        case "revoke" | "remove":
            plan.access = fault
        case _:
            _apply_to_what_follows(fault, plan)


def _apply_to_what_follows(fault: Fault, plan: Plan) -> None:
    """What befalls statuses, webhooks and files, not the answer."""
    match fault.kind:
        case "fail":
            plan.fail = fault
        case "withhold":
            plan.withhold = True
        case "late":
            plan.late = max(plan.late, fault.seconds)
        case "shuffle":
            plan.shuffle = True
        case "duplicate":
            plan.copies = max(plan.copies, fault.copies)
        case "repeat":
            plan.unheard = max(plan.unheard, fault.copies - 1)
        case "batch":
            plan.batch = max(plan.batch or 0.0, fault.seconds)
        case _:
            plan.mangle, plan.expire = plan.mangle or fault.kind == "mangle", plan.expire or fault.kind == "expire"
