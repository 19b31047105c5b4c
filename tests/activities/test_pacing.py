"""Meta's limits on management calls, as the simulator tells them in its headers: who is slowed, and who is not."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic
from typing import Any

import pytest

import egress
from simulator.config import SimulatorConfig
from simulator.management import usage
from tests.simulator.stage import APP_ID, APP_SECRET, CUSTOMER, NUMBER, TOKEN, Simulated, simulated
from whatsapp import pacing
from whatsapp.accounts import Accounts, NotWritten, NumberFacts, Refused
from whatsapp.app_secrets import AppSecrets
from whatsapp.graph import Accepted, Graph
from whatsapp.pacing import Pacing

_DEADLINE = timedelta(seconds=10)


@dataclass
class Stage:
    meta: Simulated
    persons: Accounts
    checks: Accounts
    graph: Graph
    pacing: Pacing

    async def use(self, percent: int) -> None:
        """Have so much of the account's hourly limit used, by whomever."""
        for _ in range(percent):
            await self.meta.call("GET", NUMBER)
        assert isinstance(await self.persons.number(NUMBER, TOKEN), NumberFacts)


@pytest.fixture
async def stage(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setattr(usage, "HOURLY_REGISTERED", 100)
    monkeypatch.setattr(pacing, "SPREAD", (timedelta(seconds=0.2), timedelta(seconds=0.4)))
    async with (
        simulated(SimulatorConfig(app_secret=APP_SECRET, app_id=APP_ID)) as meta,
        egress.graph_client(max_connections=4) as http,
    ):
        paced, url = Pacing(), str(meta.graph.base_url)
        to: dict[str, Any] = {"base_url": url, "version": "v26.0", "secrets": AppSecrets.of(APP_SECRET)}
        persons = Accounts(http, **to, app_id=APP_ID, deadline=_DEADLINE, pacing=paced)
        graph = Graph(http, **to, deadline=_DEADLINE)
        yield Stage(meta, persons, persons.unhurried(), graph, paced)


async def test_from_three_quarters_of_the_limit_on_checks_are_spread_and_persons_and_sends_are_not(
    stage: Stage,
) -> None:
    await stage.use(78)
    began = monotonic()
    for _ in range(3):
        assert isinstance(await stage.checks.number(NUMBER, TOKEN), NumberFacts)
    assert monotonic() - began > 0.4
    assert isinstance(await stage.persons.number(NUMBER, TOKEN), NumberFacts)
    assert stage.pacing.used(app=False) > 80

    payload = {"messaging_product": "whatsapp", "to": f"+{CUSTOMER}", "type": "text", "text": {"body": "hello"}}
    assert isinstance(await stage.graph.send(NUMBER, TOKEN, payload), Accepted)


async def test_near_the_limit_a_check_is_put_off_before_meta_refuses_it_and_a_persons_call_goes_out(
    stage: Stage,
) -> None:
    await stage.use(92)
    used = stage.pacing.used(app=False)

    put_off = await stage.checks.number(NUMBER, TOKEN)

    assert isinstance(put_off, NotWritten)
    assert put_off.put_off is not None
    assert put_off.reason.startswith("93 % of Meta's limit on calls is used: not asked for another")
    assert stage.pacing.used(app=False) <= used
    assert isinstance(await stage.persons.number(NUMBER, TOKEN), NumberFacts)
    assert stage.pacing.used(app=False) > used


async def test_what_meta_says_to_wait_is_waited_by_everybody_but_sends(stage: Stage) -> None:
    await stage.meta.client.add_fault("refuse", call="number", code=80007, seconds=300, count=1)
    refused = await stage.persons.number(NUMBER, TOKEN)
    assert isinstance(refused, Refused)
    assert refused.regain_access == timedelta(minutes=5)

    for accounts in (stage.persons, stage.checks):
        put_off = await accounts.number(NUMBER, TOKEN)
        assert isinstance(put_off, NotWritten)
        assert put_off.put_off is not None
        assert timedelta(minutes=4) < put_off.put_off <= timedelta(minutes=5)
    assert len(await stage.meta.client.calls("number", NUMBER)) == 1
    payload = {"messaging_product": "whatsapp", "to": f"+{CUSTOMER}", "type": "text", "text": {"body": "hello"}}
    assert isinstance(await stage.graph.send(NUMBER, TOKEN, payload), Accepted)
