"""`holdfast reprocess`: a second look at what intake could not apply."""

import asyncio
from collections import Counter
from typing import Literal

from cli.roles import open_database
from intake.reprocess import reprocess
from settings import Settings
from store.webhook_events import Outcome

What = Literal["parked", "quarantined"]
_OUTCOMES: dict[What, Literal[Outcome.PARKED, Outcome.QUARANTINED]] = {
    "parked": Outcome.PARKED,
    "quarantined": Outcome.QUARANTINED,
}


def run(settings: Settings, what: What, *, phone_number_id: str | None) -> None:
    """Look again at every such item, and print what became of them."""
    became = asyncio.run(_run(settings, what, phone_number_id))
    told = ", ".join(f"{outcome}: {count}" for outcome, count in sorted(became.items()))
    print(told or "There was nothing to look at.")


async def _run(settings: Settings, what: What, phone_number_id: str | None) -> Counter[Outcome]:
    database = open_database(settings, application="holdfast reprocess")
    try:
        return await reprocess(database, outcome=_OUTCOMES[what], phone_number_id=phone_number_id)
    finally:
        await database.close()
