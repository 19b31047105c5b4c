"""How much of the limits of management calls is used: the headers that Meta answers with."""

import json
import math
from collections import Counter

from simulator.faults import Fault
from simulator.world import World

HOURLY = 200
"""Calls per hour, app and WABA."""
HOURLY_REGISTERED = 5000
"""The same for a WABA with a registered number."""
_THROTTLES = frozenset({4, 17, 32, 613, 80007})


class Usage:
    """Calls of the running hour. It counts and tells; what refuses is a fault, so that no test is throttled unasked."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hour = 0
        self._calls: Counter[str] = Counter()
        self._regain: dict[str, float] = {}

    def note(self, object_id: str, fault: Fault) -> None:
        """A throttle was answered: until when the header says to wait, from the fault's `seconds`."""
        if fault.code in _THROTTLES:
            self._regain[self._account(object_id)] = self._world.clock.now() + fault.seconds

    def headers(self, object_id: str) -> dict[str, str]:
        """X-App-Usage and X-Business-Use-Case-Usage after one more call."""
        now = self._world.clock.now()
        if self._hour != (hour := int(now // 3600)):
            self._hour, self._calls = hour, Counter()
        account = self._account(object_id)
        self._calls[account] += 1
        registered = any(n.standing.registered for n in self._world.assets.numbers_of(account))
        limit = HOURLY_REGISTERED if registered else HOURLY
        share = {"call_count": math.ceil(100 * self._calls[account] / limit), "total_cputime": 1, "total_time": 1}
        regain = math.ceil(max(0.0, self._regain.get(account, 0.0) - now) / 60)
        row = {"type": "whatsapp"} | share | {"estimated_time_to_regain_access": regain}
        return {
            "x-app-usage": json.dumps(share),
            "x-business-use-case-usage": json.dumps({account: [row]}),  # a path may name anything, a header is ASCII
        }

    def _account(self, object_id: str) -> str:
        """The WABA that a call counts for: its own, or that of a number, a template or a file; else what it names."""
        world = self._world
        if (template := world.templates.kept.get(object_id)) is not None:
            return template.waba_id
        if (stored := world.files.stored.get(object_id)) is not None:
            object_id = stored.phone_number_id
        number = world.numbers.get(object_id)
        return object_id if number is None else number.waba_id
