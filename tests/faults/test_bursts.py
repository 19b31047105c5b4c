"""Much at once: a flood into one conversation, a Graph that drops every tenth answer."""

import asyncio
from collections import Counter

from tests.faults.house import Figure, House, new_customers


async def test_150_messages_into_one_conversation_at_once_are_each_in_exactly_one_turn_and_answered(
    house: House, record_property: Figure
) -> None:
    (customer,) = new_customers(1)
    said = [f"line {number}" for number in range(150)]
    await house.simulator.collect()
    await asyncio.gather(*(house.says(customer, words) for words in said))
    assert await house.simulator.flush(size=1) == 150
    record_property("answered within (s)", round(await house.answered(within=30), 2))
    await house.reckon()
    log = await house.simulator.conversation(house.line.phone_number_id, customer)
    heard = [line for reply in log["replies"] for line in reply["content"]["body"].split("\n")]
    assert Counter(heard) == Counter(said)


async def test_a_graph_that_accepts_and_cuts_the_connection_on_every_tenth_send_doubles_and_loses_nothing(
    house: House, *, chaos: bool
) -> None:
    for kind in ("drop", "cut"):  # before the first byte of the answer, and in its middle
        await house.simulator.add_fault(kind, phone_number_id=house.line.phone_number_id, probability=0.05)
    for _ in range(7 if chaos else 1):
        await house.crowd(150)
        await house.answered(within=30)
    await house.reckon()
    account = await house.account()
    cut = [message for message in account["accepted_messages"] if message["answer"] in {"drop", "cut"}]
    assert cut
    assert {message["outcome"] for message in cut} == {"delivered"}
    assert await house.states("out") == {"accepted": account["inbound"]}, "statuses told what the answers did not"
