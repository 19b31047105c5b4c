"""Meta's limits on sending, as the simulator keeps them."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.business.standing import Standing
from simulator.limits import PAIR_BURST, PAIR_INTERVAL, Pair, Reach, Throughput
from simulator.numbers import Knobs, Number
from tests.simulator.stage import NUMBER, WABA, Simulated, Webhook

_TEMPLATE = {"type": "template", "text": None, "template": {"name": "news", "language": {"code": "en"}}}


async def _template(simulator: Simulated, customer: int, *, number: str = NUMBER) -> None:
    """Send one, outside of any window."""
    payload: dict[str, Any] = {"messaging_product": "whatsapp", "to": f"+{customer}"} | _TEMPLATE
    token = {} if number == NUMBER else {"token": "second"}
    answer = await simulator.post({k: v for k, v in payload.items() if v is not None}, number=number, **token)
    assert answer.status_code == 200, answer.text


async def _limited(simulator: Simulated, tier: str = "TIER_50") -> None:
    await simulator.client.capability_update(WABA, tier)
    await simulator.client.change_number(NUMBER, throughput=0)


def test_no_second_holds_more_than_the_rate_and_the_burst() -> None:
    limit, taken = Throughput(), []
    for tick in range(30_000):
        now = tick / 10_000
        if limit.has_room(now, rate=80, burst=5):
            limit.count(now)
            taken.append(now)
    assert limit.peak == 85
    assert all(sum(at <= one < at + 1 for one in taken) <= 85 for at in taken)
    assert len(taken) == 3 * 85


def test_a_pair_gets_one_per_six_seconds_after_its_burst() -> None:
    pair = Pair()
    assert sum(pair.take(0.0) for _ in range(100)) == PAIR_BURST
    taken = [second for second in range(1, 601) if pair.take(float(second))]
    assert taken == [6 * n for n in range(1, 101)]
    assert pair.take(600 + PAIR_BURST * PAIR_INTERVAL)


def test_a_portfolio_reaches_each_user_once_in_a_moving_day() -> None:
    reach, hour = Reach(), 3600.0
    assert all(reach.take(user, 0.0, 3) for user in ("a", "b", "c", "a", "b"))
    assert not reach.take("d", 1 * hour, 3)
    assert reach.take("a", 2 * hour, 3)
    assert [reach.take(user, 24 * hour, 3) for user in ("d", "e", "f")] == [True, True, False]
    assert reach.take("f", 24 * hour, None)


async def test_a_template_to_one_user_more_than_the_limit_fails_late(simulator: Simulated, webhook: Webhook) -> None:
    await _limited(simulator)
    for customer in range(4915550000, 4915550051):
        await _template(simulator, customer)
    await _template(simulator, 4915550000)  # counted already
    await simulator.client.settle()
    account = await simulator.client.account(lists=True)
    assert (account["accepted"], account["failed"]) == (52, 1)
    (failed,) = [status for status in webhook.statuses if status["status"] == "failed"]
    assert (failed["recipient_id"], failed["errors"][0]["code"]) == ("4915550050", 131048)


async def test_a_portfolios_numbers_share_its_limit_and_open_windows_are_free(simulator: Simulated) -> None:
    await simulator.client.add_number("2", WABA, display_phone_number="15552", token="second", business_id=WABA)
    await _limited(simulator)
    for customer in range(4915550000, 4915550050):
        await _template(simulator, customer, number=(NUMBER, "2")[customer % 2])
    await simulator.client.customer_says(NUMBER, "4915559999", "hi")
    await _template(simulator, 4915559999)
    await _template(simulator, 4915550001)
    assert (await simulator.client.account())["failed"] == 0
    await _template(simulator, 4915550050, number="2")
    assert (await simulator.client.account())["failed"] == 1


@pytest.mark.parametrize("room", ["a day passes", "a higher limit"])
async def test_what_is_over_the_limit_can_wait_for_room(simulator: Simulated, room: str) -> None:
    await _limited(simulator)
    await simulator.client.change_number(NUMBER, over_limit="hold")
    for customer in range(4915550000, 4915550052):
        await _template(simulator, customer)
    account = await simulator.client.account()
    assert (account["delivered"], account["held"]) == (50, 2)
    if room == "a day passes":
        await simulator.client.move_clock(timedelta(hours=24, seconds=1))
    else:
        await simulator.client.capability_update(WABA, "TIER_250")
    account = await simulator.client.account()
    assert (account["delivered"], account["held"], account["failed"]) == (52, 0, 0)


@pytest.mark.parametrize(
    ("standing", "throughput", "per_second"),
    [
        ({}, None, 80),
        ({"throughput_level": "HIGH"}, None, 1000),
        ({"is_on_biz_app": True}, None, 20),
        ({"is_on_biz_app": True, "throughput_level": "HIGH"}, 7, 7),
    ],
)
def test_a_number_has_the_throughput_that_it_stands_for(
    standing: dict[str, Any], throughput: int | None, per_second: int
) -> None:
    number = Number(NUMBER, WABA, "1555", "token", "portfolio", Knobs(throughput=throughput), Standing(**standing))
    assert number.per_second == per_second
