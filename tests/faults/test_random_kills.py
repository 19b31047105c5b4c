"""API, worker, Temporal and Postgres killed with -9 at random, again and again, while customers write."""

import random
from collections.abc import Sequence

from tests.faults.conftest import AS_IN_PRODUCTION, OpenHouse
from tests.faults.house import PROMPT, SENDING_TIMEOUT, Figure, House, new_customers
from tests.faults.kills import PARTS, Kill, Storm
from tests.faults.ledger import Ledger, percentile, read
from tests.pace import watched

SHORT = Storm(customers=100, messages_each=5, kills=5, calm=1.5, lasts=4.0)
LONG = Storm(customers=1000, messages_each=5, kills=50, calm=3.0, lasts=8.0)
SOONER = {"UNKNOWN_WAIT": str(SENDING_TIMEOUT), "BACKSTOP": "5"}
"""What was claimed and never posted holds up what is behind it for 20 s instead of 120; Postgres asks again sooner."""
LIMITS = {"worker": PROMPT.total_seconds()} | dict.fromkeys(set(PARTS) - {"worker"}, 10.0)
"""Seconds to the next reply of a conversation that waited when the part was killed, 99 of 100."""


async def test_parts_killed_at_random_under_load_lose_and_double_nothing_keep_the_order_and_are_soon_made_up_for(
    open_house: OpenHouse, record_property: Figure, seed: int, *, chaos: bool
) -> None:
    chance, storm = random.Random(seed), LONG if chaos else SHORT  # noqa: S311 - repeatable, not secret
    house = await open_house("postgres", "temporal", workers=2, environment=AS_IN_PRODUCTION if chaos else SOONER)
    customers = new_customers(storm.customers)
    await house.simulator.change_number(house.line.phone_number_id, answer_delay=0.4)
    await house.simulator.add_fault("withhold", phone_number_id=house.line.phone_number_id, probability=0.01)
    # Later than a dead worker's conversations are taken up: what it was sending must wait for its status.
    await house.simulator.add_fault("late", phone_number_id=house.line.phone_number_id, probability=0.5, seconds=7)
    async with watched() as meanwhile:
        kills = await storm.rage(house, customers, chance)
    pace = max(house.slowness, meanwhile.slowness)
    await house.database.close()  # its connections, not the database: the test's own pool knows nothing of the kills
    await house.until(house.is_settled, within=200 if chaos else 60, what="no row waits for anything any more")
    ledger = await read(house, customers)
    record_property("slower than usual (times)", round(pace, 1))
    await _record_totals(house, ledger, record_property)
    assert (ledger.lost(), ledger.doubled(), ledger.out_of_order()) == ([], [], [])
    _judge_what_was_under_way(ledger, kills, record_property)
    _judge_waits(ledger, kills, record_property, pace=pace)
    await house.reckon(apart=sum(len(row.lines) for row in ledger.unknown()))


async def _record_totals(house: House, ledger: Ledger, record: Figure) -> None:
    account = await house.account()
    withheld = {message["message_id"] for message in account["accepted_messages"] if message["statuses_withheld"]}
    record("messages in", account["inbound"])
    record("lost", len(ledger.lost()))
    record("doubled", len(ledger.doubled()))
    record("conversations out of order", len(ledger.out_of_order()))
    record("shown as unknown", len(ledger.unknown()))
    record("without any status", len(withheld))
    record("of them unknown", sum(row.message_id in withheld for row in ledger.unknown()))


def _judge_what_was_under_way(ledger: Ledger, kills: Sequence[Kill], record: Figure) -> None:
    """What the killed worker was sending: accepted by its status, or unknown, and that not before its time."""
    of_workers = [(kill.at, kill.dead_at) for kill in kills if kill.part == "worker"]
    spans = [ledger.under_way(*span, claimed_within=SENDING_TIMEOUT) for span in of_workers]
    rows = {row.message_id: row for span in spans for row in span}.values()
    record("sending when a worker was killed", len(rows))
    record("of them unknown in the end", sum(row.state == "unknown" for row in rows))
    assert {row.state for row in rows} <= {"accepted", "unknown"}
    assert all(row.given_up_after >= SENDING_TIMEOUT for row in rows if row.given_up_after is not None)


def _judge_waits(ledger: Ledger, kills: Sequence[Kill], record: Figure, *, pace: float) -> None:
    """By part: how long who waited at a kill, or came to wait after it, went on waiting. Rows `sending` are apart."""
    ends = [kill.at for kill in kills[1:]] + [float("inf")]
    waits: dict[str, list[float]] = {part: [] for part in PARTS}
    for kill, end in zip(kills, ends, strict=True):
        apart = {row.customer for row in ledger.under_way(kill.at, kill.dead_at)}
        waits[kill.part] += [wait for customer, wait in ledger.waits(kill.at, end) if customer not in apart]
    for part, seconds in waits.items():
        back_in = [kill.back_at - kill.at for kill in kills if kill.part == part]
        figures = [round(percentile(seconds, share), 2) for share in (0.5, 0.99, 1.0)]
        name = f"{part} killed: times, back within (s), waits, next reply (s; p50, p99, longest)"
        record(name, " ".join(map(str, [len(back_in), round(max(back_in), 1), len(seconds), *figures])))
        assert figures[1] <= LIMITS[part] * pace, (part, sorted(seconds)[-10:])
