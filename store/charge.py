"""How long a person is in charge of a conversation: when the bot gets it back by itself, and why. No clock, no I/O."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from whatsapp.window import closes_at

_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Ending:
    """The moment at which a person's charge ends by itself, and the reason that is kept of it."""

    at: datetime
    why: str


def ends(
    since: datetime,
    acted_at: datetime | None,
    *,
    window_opened_at: datetime | None,
    after: timedelta,
    at_window_close: bool,
) -> Ending | None:
    """The earliest end of a charge that began at `since`; None: only somebody who gives it back ends it.

    `acted_at` is the latest message that was not the bot's; `after` zero: idleness ends nothing. Only the close of a
    window that was open when the person took over counts: who is asked because it has closed is to stay in charge.
    """
    endings = []
    if after:
        why = f"Given back to the bot: nothing came from a person for {in_words(after)}."
        endings.append(Ending(max(since, acted_at or since) + after, why))
    if at_window_close and window_opened_at is not None and closes_at(window_opened_at) > since:
        endings.append(Ending(closes_at(window_opened_at), "Given back to the bot: the 24-hour window closed."))
    return min(endings, key=lambda ending: ending.at, default=None)


def in_words(span: timedelta) -> str:
    """`24 hours`, `1 hour`, `15 minutes`, `30 seconds`: the largest of these units in which it is a whole number."""
    for unit, name in ((_HOUR, "hour"), (timedelta(minutes=1), "minute")):
        if span >= unit and not span % unit:
            return f"{span // unit} {name}" if span == unit else f"{span // unit} {name}s"
    return f"{span.total_seconds():g} seconds"
