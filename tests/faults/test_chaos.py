"""Random faults of Meta's, from a seed, over a whole house: the simulator tells what nobody could have known."""

import asyncio
from datetime import timedelta

from simulator.chaos import KINDS
from tests.faults.house import Figure, House, new_customers

_PASSING = tuple(kind for kind in KINDS if kind != "fail")
"""What Meta fails for good brings no reply, and is no loss: its message is shown as failed."""
_TOLD = tuple(kind for kind in _PASSING if kind != "withhold")
"""A long run outlives the wait of what is unknown: then silence is evidence, which is wrong where statuses are withheld
for good. That is the hole that docs/reliability.md names."""
_PER_SECOND = 15
_RESENT = "SELECT 1 FROM messages WHERE integration_id = :line AND direction = 'out' AND resends > 0"


async def test_nothing_is_lost_or_doubled_in_chaos_and_only_what_nobody_could_know_is_unknown(
    house: House, seed: int, record_property: Figure, *, chaos: bool
) -> None:
    seconds = 60 if chaos else 5
    limits = {"phone_number_id": house.line.phone_number_id, "longest": 3.0, "pace": 0.1, "lasts": 2.5}
    kinds = _TOLD if chaos else _PASSING
    await house.simulator.chaos(seed, duration=timedelta(seconds=seconds), kinds=kinds, **limits)
    for customer in new_customers(seconds * _PER_SECOND):
        await asyncio.gather(house.says(customer, "hello"), asyncio.sleep(1 / _PER_SECOND))
    met = (await house.simulator.stop_playing()).hits
    record_property("faults met", ", ".join(f"{kind} {times}" for kind, times in sorted(met.items())))
    assert await house.simulator.settle(timedelta(seconds=20))
    await house.until(house._is_at_rest, within=300 if chaos else 40, what="statuses are applied and rows at rest")
    unknown, account = await _shown_as_unknown(house), await house.account()
    accepted = {message["message_id"] for message in account["accepted_messages"]}
    record_property("accepted without an answer", sum(m["answer"] != "answer" for m in account["accepted_messages"]))
    record_property("never accepted, shown as unknown", len(unknown - accepted))
    record_property("without answer and statuses", len(account["untold_ids"]))
    record_property("sent again on evidence", len(await house.rows(_RESENT)))
    assert unknown & accepted <= set(account["untold_ids"])
    assert account["unanswered"] == len(unknown - accepted)
    await house.reckon(apart=len(unknown))


async def _shown_as_unknown(house: House) -> set[str]:
    query = "SELECT CAST(id AS text) AS id FROM messages WHERE integration_id = :line AND state = 'unknown'"
    return {row.id for row in await house.rows(query)}
