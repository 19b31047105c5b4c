"""Random faults from a seed: the same again, within what Meta guarantees, and an account that still adds up."""

import asyncio
import re
from collections import Counter
from dataclasses import fields
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from simulator.chaos import KINDS, NEEDS_A_PERSON, OF_FILES, Chaos
from simulator.faults import kinds_of
from tests.simulator.stage import NUMBER, Simulated, Webhook

_PAGE = Path(__file__).parents[2] / "docs" / "simulator.md"


def test_the_same_seed_gives_the_same_faults_and_another_seed_others() -> None:
    assert Chaos(7).until(60) == Chaos(7).until(60)
    assert Chaos(7).until(60) != Chaos(8).until(60)
    assert Chaos(7).until(30)[:10] == Chaos(7).until(60)[:10]


def test_every_kind_is_played_sooner_or_later_and_each_meets_its_call() -> None:
    steps = Chaos(1, kinds=(*KINDS, *OF_FILES, *NEEDS_A_PERSON)).until(600)
    drawn = Counter((step.fault.call, step.fault.kind) for step in steps)
    assert len(drawn) == len(KINDS) + len(OF_FILES) + 2  # access is two kinds
    assert all(kind in kinds_of(call) for call, kind in drawn)
    assert not any(step.fault.kind in {"revoke", "remove"} for step in Chaos(1).until(600))
    assert {step.fault.call for step in Chaos(1).until(600)} == {"send", "webhook"}


@pytest.mark.parametrize("seed", range(20))
def test_chaos_stays_within_what_meta_guarantees(seed: int) -> None:
    chaos = Chaos(seed, longest=6.0)
    steps = chaos.until(300)
    assert all(step.lasts is not None and step.at + step.lasts <= 300 for step in steps)
    assert all(0 < step.fault.probability <= 1 for step in steps)
    late = max(step.fault.seconds for step in steps if step.fault.kind == "late" and step.fault.call == "send")
    webhooks = max(step.fault.seconds for step in steps if step.fault.kind == "late" and step.fault.call == "webhook")
    batches = max(step.fault.seconds for step in steps if step.fault.kind == "batch")
    assert late + webhooks + batches <= 6.0
    assert max(step.fault.seconds for step in steps if step.fault.kind == "slow") <= 6.0
    assert {step.fault.code for step in steps if step.fault.kind == "refuse"} == {130429, 131056}


def test_a_kind_that_is_none_is_named() -> None:
    with pytest.raises(ValueError, match=r"no such kinds: flood; there are drop, cut"):
        Chaos(1, kinds=("flood",))


async def test_a_plan_can_be_read_repeated_and_stopped(simulator: Simulated) -> None:
    planned = await simulator.client.chaos(7, duration=timedelta(seconds=5), phone_number_id=NUMBER, pace=0.1)
    assert planned.seed == 7
    assert planned.steps == [step.view() for step in Chaos(7, phone_number_id=NUMBER, pace=0.1).until(5)]
    await asyncio.sleep(0.3)
    stopped = await simulator.client.stop_playing()
    assert (stopped.source, stopped.seed, stopped.playing) == ("chaos", 7, False)
    assert 1 <= len(stopped.begun) < len(planned.steps)
    begun = [{name: step[name] for name in ("at", "lasts", "fault")} for step in stopped.begun]
    assert begun == planned.steps[: len(begun)]
    assert await simulator.client.faults() == []


async def test_a_seed_that_was_drawn_is_told(simulator: Simulated) -> None:
    planned = await simulator.client.chaos(kinds=["drop", "late"])
    assert planned.steps == [step.view() for step in Chaos(planned.seed, kinds=("drop", "late")).until(60)]
    with pytest.raises(httpx.HTTPStatusError):
        await simulator.client.chaos(kinds=["flood"])


async def test_the_account_adds_up_in_the_midst_of_chaos(simulator: Simulated, webhook: Webhook) -> None:
    """A sender that repeats what it heard nothing of doubles just what the account says it doubles."""
    await simulator.client.change_number(NUMBER, throughput=0)
    await simulator.client.chaos(3, duration=timedelta(seconds=2.5), longest=0.6, pace=0.1, lasts=0.4)
    heard: Counter[str] = Counter()

    async def send(n: int) -> None:
        customer = f"49155{n:05}"
        await simulator.client.customer_says(NUMBER, customer, "hi")
        try:
            answer = await simulator.send(to=f"+{customer}", biz_opaque_callback_data=f"m{n}.1")
        except httpx.TransportError:
            heard["lost"] += 1
        else:
            heard["refused" if answer.status_code == 400 else "error" if answer.status_code > 400 else "accepted"] += 1

    tasks = []
    for n in range(150):
        tasks.append(asyncio.create_task(send(n)))
        await asyncio.sleep(0.012)
    await asyncio.gather(*tasks)
    hits = (await simulator.client.stop_playing()).hits
    assert await simulator.client.settle()
    account = await simulator.client.account(lists=True)
    assert sum(hits.values()) > 30
    assert account["accepted"] == account["delivered"] + account["failed"]
    assert sum(account["refused"].values()) == heard["refused"]
    answered = [message for message in account["accepted_messages"] if message["answer"] in {"answer", "close_idle"}]
    assert len(answered) == heard["accepted"]
    assert heard["lost"] + heard["error"] >= len(account["accepted_messages"]) - len(answered)
    assert account["unanswered"] == 150 - account["delivered"]
    assert account["doubled"] == account["repeated"] == 0
    told = {
        status["biz_opaque_callback_data"].split(".")[0]
        for status in webhook.statuses
        if "failed" not in status.values()
    }
    delivered = {m["message_id"] for m in account["accepted_messages"] if m["outcome"] == "delivered"}
    assert told == delivered - set(account["withheld_ids"])
    assert set(account["untold_ids"]) <= set(account["withheld_ids"])
    assert len({message["id"] for message in webhook.messages}) == 150


async def test_what_was_doubled_and_withheld_is_counted_apart(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, "4915550001", "hi")
    await simulator.client.add_fault("withhold", count=1)
    await simulator.client.add_fault("drop", count=1)
    with pytest.raises(httpx.TransportError):
        await simulator.send(to="+4915550001", biz_opaque_callback_data="untold.1")
    for data in ("untold.2", "told.1", "told.2"):
        await simulator.send(to="+4915550001", biz_opaque_callback_data=data)
    await simulator.client.add_fault("drop", accepted=False, count=1)
    with pytest.raises(httpx.TransportError):
        await simulator.send(to="+4915550001", biz_opaque_callback_data="never.1")
    account = await simulator.client.account(lists=True)
    assert (account["doubled"], account["doubled_apart"], account["untold"]) == (2, 1, 1)
    assert (account["untold_ids"], account["withheld_ids"]) == (["untold"], ["untold"])
    assert [message["message_id"] for message in account["lost_messages"]] == ["never"]


def test_the_page_explains_every_option() -> None:
    explained = set(re.findall(r"^\| `(\w+)` \|", _PAGE.read_text(), re.MULTILINE))
    assert {field.name for field in fields(Chaos)} | {"duration"} <= explained
