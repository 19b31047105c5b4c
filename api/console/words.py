"""How a page says instants and figures. Browsers keep the relative ones going; without JavaScript they stand."""

from datetime import UTC, datetime, timedelta

from markupsafe import Markup

_META = {
    "TIER_50": "50",
    "TIER_250": "250",
    "TIER_1K": "1,000",
    "TIER_2K": "2,000",
    "TIER_10K": "10,000",
    "TIER_100K": "100,000",
    "TIER_UNLIMITED": "Unlimited",
    "STANDARD": "80 messages a second",
    "HIGH": "1,000 messages a second",
    "NOT_APPLICABLE": "Not known before it is registered",
    "UNKNOWN": "Not known yet",
    "NA": "Not known yet",
}
_STEPS = ((86400, "day"), (3600, "hour"), (60, "minute"))


def ago(moment: datetime | None, now: datetime | None = None) -> Markup:
    """An instant relative to now, the exact one on hover."""
    if moment is None:
        return Markup("")
    said = relative(moment - (now or datetime.now(UTC)))
    return _time(moment, said, "ago")


def until(moment: datetime | None, now: datetime | None = None) -> Markup:
    """How long it takes until an instant, counted down by the browser."""
    if moment is None:
        return Markup("")
    left = max(moment - (now or datetime.now(UTC)), timedelta(0))
    return _time(moment, span(left), "until")


def exactly(moment: datetime) -> str:
    """An instant in full."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def relative(distance: timedelta) -> str:
    """`5 minutes ago`, `in 2 days`, `just now`."""
    seconds = abs(distance.total_seconds())
    for size, noun in _STEPS:
        if seconds >= size:
            said = count(int(seconds // size), noun)
            return f"in {said}" if distance > timedelta(0) else f"{said} ago"
    return "just now" if distance <= timedelta(0) else "in under a minute"


def span(left: timedelta) -> str:
    """A duration by its two largest units: `2 days 3 hours`."""
    seconds = int(left.total_seconds())
    parts = []
    for size, noun in (*_STEPS, (1, "second")):
        if seconds >= size:
            parts.append(count(seconds // size, noun))
            seconds %= size
    return " ".join(parts[:2]) or "0 seconds"


def count(number: int, noun: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def meta_word(value: str | None) -> str:
    """A value of Meta's in words; new ones come without notice and are shown as they are."""
    if not value:
        return "Not known yet"
    return _META.get(value, value.replace("_", " ").capitalize())


def _time(moment: datetime, said: str, way: str) -> Markup:
    return Markup('<time datetime="{}" title="{}" data-time="{}">{}</time>').format(
        moment.astimezone(UTC).isoformat(timespec="seconds"), exactly(moment), way, said
    )
