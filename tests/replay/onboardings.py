"""Onboardings to be recorded."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from temporalio.client import Client
from temporalio.exceptions import ApplicationError

from tests.waiting import until
from tests.workflows.scripted_onboarding import MS, Run, Scripted, done, first, result, running, until_shown, waiting
from workflows.onboarding_contracts import Acted, StepOutcome


@dataclass(frozen=True, slots=True)
class Onboarding:
    """An onboarding by script, and what is done to its run."""

    script: Scripted
    play: Callable[[Run, Scripted], Awaitable[None]]
    limits: dict[str, Any] = field(default_factory=dict)

    @asynccontextmanager
    async def played(self, client: Client) -> AsyncIterator[Run]:
        async with running(client, self.script, **self.limits) as run:
            await self.play(run, self.script)
            yield run


async def _to_its_end(run: Run, _: Scripted) -> None:
    await result(run, seconds=20)


async def _answered(run: Run, _: Scripted) -> None:
    await until_shown(run, "find", "number")
    await run.execute_update("act", Acted("number"))
    await until_shown(run, "register", "pin")
    await run.signal("look")
    await asyncio.sleep(0.5)
    await run.execute_update("act", Acted("pin"))
    await until_shown(run, "prove", "proof")
    await run.signal("look")
    await result(run)


async def _still_waiting(run: Run, _: Scripted) -> None:
    await until_shown(run, "register", "pin")
    await asyncio.sleep(0.5)


async def _cancelled_while_waiting(run: Run, _: Scripted) -> None:
    await until_shown(run, "register", "pin")
    await run.execute_update("act", Acted("cancel"))
    await result(run)


async def _cancelled_between_attempts(run: Run, script: Scripted) -> None:
    await until(lambda: "subscribe" in script.taken)
    await run.signal("look")
    await asyncio.sleep(0.5)
    await run.execute_update("act", Acted("cancel"))
    await result(run)


def _away(n: int) -> StepOutcome:
    raise ApplicationError(f"Meta does not answer, attempt {n}.", type="meta_unavailable")


def _registers_at_the_third_try(n: int) -> StepOutcome:
    return _away(n) if n == 1 else waiting("register", "retry", 200 * MS) if n == 2 else done("register")


def plays() -> dict[str, Onboarding]:
    """By their names."""
    failing = StepOutcome("inspect", "failed", "The scope is missing.", code="missing_permission")
    asking = {
        "find": first("find", waiting("find", "number")),
        "register": lambda n: waiting("register", "pin") if n < 3 else done("register"),
        "prove": first("prove", waiting("prove", "proof")),
    }
    patient = {"first_retry": timedelta(seconds=30), "longest_retry": timedelta(seconds=30)}
    pin = {"register": lambda _: waiting("register", "pin")}
    proof = {"prove": lambda _: waiting("prove", "proof")}
    again = {"register": lambda _: waiting("register", "retry", 10 * MS)}
    soon = {"patience": timedelta(seconds=1)}
    return {
        "live": Onboarding(Scripted(), _to_its_end),
        "answered": Onboarding(Scripted(asking), _answered),  # type: ignore[arg-type]
        "waiting": Onboarding(Scripted(pin), _still_waiting),  # type: ignore[arg-type]
        "failed": Onboarding(Scripted({"inspect": lambda _: failing}), _to_its_end),
        "gave-up": Onboarding(Scripted(pin), _to_its_end, soon),  # type: ignore[arg-type]
        "unproven": Onboarding(Scripted(proof), _to_its_end, soon),  # type: ignore[arg-type]
        "cancelled-waiting": Onboarding(Scripted(pin), _cancelled_while_waiting),  # type: ignore[arg-type]
        "cancelled-trying": Onboarding(Scripted({"subscribe": _away}), _cancelled_between_attempts, patient),
        "troubled": Onboarding(Scripted({"register": _registers_at_the_third_try}), _to_its_end),
        "continued": Onboarding(Scripted(again), _to_its_end, {**soon, "events_per_run": 40}),  # type: ignore[arg-type]
    }
