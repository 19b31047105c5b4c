"""One customer who never stops writing: the run continues as new again and again, and no message falls in between."""

import asyncio
from collections import Counter
from datetime import timedelta

from tests.faults.conftest import OpenHouse
from tests.faults.house import Figure, House, new_customers
from tests.faults.ledger import read

TALKATIVE = {"MAX_BOT_TURNS": "1000"}
SHORT_RUNS = TALKATIVE | {"EVENTS_PER_RUN": "20"}
"""A run continues as new after a fifth of the usual length."""


async def test_each_message_of_an_endless_conversation_is_in_exactly_one_turn_while_its_run_continues_as_new(
    open_house: OpenHouse, record_property: Figure, *, chaos: bool
) -> None:
    house = await open_house(environment=TALKATIVE if chaos else SHORT_RUNS)
    # A turn takes what comes within a pause: Meta takes 45 replies to one customer at once, then 10 a minute.
    await house.connect(pause=timedelta(seconds=0.3))
    lines = [str(number) for number in range(10_000 if chaos else 280)]
    (customer,) = new_customers(1)
    at_once = len(lines) // (25 if chaos else 7)
    for first in range(0, len(lines), at_once):
        await asyncio.gather(*(house.says(customer, line) for line in lines[first : first + at_once]))
        await house.answered(within=20)
    await house.reckon()
    ledger = await read(house, [customer])
    heard = Counter(line for _, line, _ in ledger.sides[customer].heard)
    assert heard == Counter(lines), "each line is in one turn, and in one reply of it"
    runs = await _runs(house)
    turns = await house.rows("SELECT count(DISTINCT turn_id) AS number FROM messages WHERE integration_id = :line")
    record_property("messages, turns, runs", f"{len(lines)}, {turns[0].number}, {runs.total()}")
    assert runs["CONTINUED_AS_NEW"] >= 2


async def _runs(house: House) -> Counter[str]:
    """How the line's runs ended."""
    client = await house.temporal()
    runs = client.list_workflows(f"WaOrganization = '{house.line.organization_id}'")
    return Counter([run.status.name async for run in runs if run.status is not None])
