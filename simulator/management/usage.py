"""How much of the limits of management calls is used: the headers that Meta answers with."""

import math
from collections import Counter

import orjson

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
            self._regain[object_id] = self._world.clock.now() + fault.seconds

    def headers(self, object_id: str) -> dict[str, str]:
        """X-App-Usage and X-Business-Use-Case-Usage after one more call."""
        now = self._world.clock.now()
        if self._hour != (hour := int(now // 3600)):
            self._hour, self._calls = hour, Counter()
        self._calls[object_id] += 1
        number = self._world.numbers.get(object_id)
        account = number.waba_id if number is not None else object_id
        registered = any(n.standing.registered for n in self._world.assets.numbers_of(account))
        limit = HOURLY_REGISTERED if registered else HOURLY
        share = {"call_count": math.ceil(100 * self._calls[object_id] / limit), "total_cputime": 1, "total_time": 1}
        regain = math.ceil(max(0.0, self._regain.get(object_id, 0.0) - now) / 60)
        row = {"type": "whatsapp"} | share | {"estimated_time_to_regain_access": regain}
        return {
            "x-app-usage": orjson.dumps(share).decode(),
            "x-business-use-case-usage": orjson.dumps({account: [row]}).decode(),
        }
