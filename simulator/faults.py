"""Faults: what the simulator does to a call on purpose, for how many calls and whose.

A fault is plain data, so that a script or a seed can make it.
"""

import random
from dataclasses import dataclass, field
from typing import Literal

FaultKind = Literal["drop", "cut", "server_error", "slow", "refuse", "fail", "withhold", "duplicate"]
Ending = Literal["answer", "drop", "cut", "server_error"]
CallName = Literal[
    "send", "read",
    "exchange", "renew", "debug_token",
    "business", "owned_wabas", "client_wabas", "waba", "phone_numbers", "number",
    "change_number", "register", "deregister", "sync",
    "subscribed_apps", "subscribe", "unsubscribe", "subscriptions",
]  # fmt: skip
"""Every call that Graph answers here. A POST to a number that sets a PIN or an override is `change_number`."""


@dataclass(slots=True)
class Fault:
    """One fault.

    `drop` closes the connection without a byte, `cut` in mid-answer, `server_error` answers 5xx: all three after the
    message was accepted, or before it with `accepted` false. `slow` answers late, `refuse` answers with `code`, `fail`
    sends a late `failed` status with `code`, `withhold` sends no status ever, `duplicate` delivers `copies` of each
    status.
    """

    kind: FaultKind
    id: int = 0
    phone_number_id: str | None = None
    """None: every number. Of management calls, whatever object the path names: a WABA, a portfolio, the app."""
    recipient: str | None = None
    """A wa_id or BSUID; None: everybody."""
    call: CallName = "send"
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
    hits: int = 0

    def meets(self, phone_number_id: str, recipient: str, call: str, chance: random.Random) -> bool:
        """Whether it applies to this call; one that applies is counted."""
        if self.call != call or (self.count is not None and self.hits >= self.count):
            return False
        if self.phone_number_id not in {None, phone_number_id} or self.recipient not in {None, recipient}:
            return False
        if self.probability < 1.0 and chance.random() >= self.probability:
            return False
        self.hits += 1
        return True


@dataclass(slots=True)
class Plan:
    """What befalls one call, all faults that meet it together."""

    ending: Ending = "answer"
    accepted: bool = True
    """False: the ending comes before Meta took the message."""
    slow: float = 0.0
    server_error: Fault | None = None
    refuse: Fault | None = None
    fail: Fault | None = None
    withhold: bool = False
    copies: int = 1


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
        case "drop" | "cut" | "server_error":
            plan.ending = fault.kind
            plan.accepted = fault.accepted
            plan.server_error = fault if fault.kind == "server_error" else None
        case "slow":
            plan.slow += fault.seconds
        case "refuse":
            plan.refuse = fault
        case "fail":
            plan.fail = fault
        case "withhold":
            plan.withhold = True
        case "duplicate":
            plan.copies = max(plan.copies, fault.copies)
