"""How much of Meta's limits on calls is used, as its answers' headers tell (section 8.1). Percentages of each limit."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from whatsapp.foreign import UnreadableError, mapping, number, objects, read, text

APP_HEADER = "X-App-Usage"
BUSINESS_HEADER = "X-Business-Use-Case-Usage"
APP = "app"
"""The owner of the limit on all calls of our app."""
LONGEST_WAIT = timedelta(days=1)
"""Meta counts calls by the hour: what says more than this is no wait to obey."""
_LARGEST = 1e6


@dataclass(frozen=True, slots=True)
class Share:
    """What of one limit is used, in percent; at 100 Meta refuses."""

    owner: str
    """`APP`, or the id of the account whose limit it is."""
    kind: str | None
    """Of an account's: which limit, as Meta names it."""
    calls: int
    cpu_time: int
    total_time: int
    regain_access: timedelta | None
    """How long Meta estimates until calls are allowed again; None while they are."""

    @property
    def highest(self) -> int:
        """The one that is reached first."""
        return max(self.calls, self.cpu_time, self.total_time)


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer's headers told."""

    shares: tuple[Share, ...]

    @property
    def highest(self) -> int:
        """The largest of all percentages."""
        return max((share.highest for share in self.shares), default=0)

    @property
    def regain_access(self) -> timedelta | None:
        """The longest wait that any of the limits asks for."""
        return max((share.regain_access for share in self.shares if share.regain_access), default=None)


def of(headers: Mapping[str, str]) -> Usage | None:
    """The usage that an answer's headers tell; None when they tell of none."""
    app, business = _header(headers, APP_HEADER), _header(headers, BUSINESS_HEADER)
    shares = [_share(APP, app)] if app else []
    shares += [_share(owner, part) for owner, parts in business.items() for part in objects(parts)]
    return Usage(tuple(shares)) if shares else None


def _header(headers: Mapping[str, str], name: str) -> dict[str, Any]:
    value = headers.get(name)
    try:
        return mapping(read(value.encode())) if value else {}
    except UnreadableError:
        return {}


def _share(owner: str, told: dict[str, Any]) -> Share:
    minutes = timedelta(minutes=_figure(told.get("estimated_time_to_regain_access")))
    return Share(
        owner=owner,
        kind=text(told.get("type")),
        calls=_figure(told.get("call_count")),
        cpu_time=_figure(told.get("total_cputime")),
        total_time=_figure(told.get("total_time")),
        regain_access=min(minutes, LONGEST_WAIT) or None,
    )


def _figure(value: Any) -> int:
    found = number(int(value) if isinstance(value, float) and abs(value) < _LARGEST else value)
    return max(found or 0, 0)
