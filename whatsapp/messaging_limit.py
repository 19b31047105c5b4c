"""How many customers a business portfolio may write to first in 24 hours, from what Meta tells (section 8.1)."""

import re

_TIER = re.compile(r"(?:TIER_)?(\d{1,9})(K?)", re.IGNORECASE)


def contacts_in_24_hours(told: str | None) -> int | None:
    """The limit as a number (`TIER_2K` is 2000); None where there is none, or it is not known."""
    found = _TIER.fullmatch(told or "")
    if found is None:
        return None
    return int(found[1]) * (1000 if found[2] else 1)
