"""A second look at items that were not applied: quarantined ones once their number is ours, parked ones on demand."""

from collections import Counter
from typing import Literal

from intake.apply import Found
from intake.batches import apply_alone
from store import webhook_items
from store.engine import Database
from store.webhook_events import ItemResult, Outcome
from store.webhook_items import FIRST, KeptItem, Reclaim
from whatsapp.parsing import parse


async def reprocess(
    database: Database,
    *,
    outcome: Literal[Outcome.PARKED, Outcome.QUARANTINED],
    phone_number_id: str | None = None,
) -> Counter[Outcome]:
    """Look again at every kept item once; tells what became of them.

    Of quarantined ones only those whose number (for an account's: WABA) is connected by now. `phone_number_id` limits
    it to one number.
    """
    became: Counter[Outcome] = Counter()
    after = FIRST
    while True:
        async with webhook_items.reclaim(
            database, outcome=outcome, after=after, phone_number_id=phone_number_id
        ) as reclaimed:
            results = await _look_again(database, reclaimed)
            await webhook_items.refile(reclaimed.connection, reclaimed.items, results)
        became.update(result.outcome for result in results)
        if len(reclaimed.items) < webhook_items.BATCH:
            return became
        after = reclaimed.items[-1].key


async def _look_again(database: Database, reclaimed: Reclaim) -> list[ItemResult]:
    results: list[ItemResult] = []
    items_of: dict[int, dict[int, Found]] = {}
    for kept in reclaimed.items:
        if kept.event_id not in items_of:
            items_of[kept.event_id] = _found(kept)
        found = items_of[kept.event_id].get(kept.place)
        if found is None:
            results.append(_gone(kept))
            continue
        results += (await apply_alone(database, reclaimed.connection, found)).results
    return results


def _found(kept: KeptItem) -> dict[int, Found]:
    return {item.origin.place: Found(kept.event_id, item) for item in parse(kept.body)}


def _gone(kept: KeptItem) -> ItemResult:
    reason = "The body is read in another way by now: nothing stands in this place any more."
    return ItemResult(kept.event_id, kept.place, "envelope", Outcome.PARKED, reason=reason)
