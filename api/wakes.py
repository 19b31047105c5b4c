"""Tells an onboarding's run of what was just stored, beside the answer: the caller never waits for Temporal."""

import asyncio
from collections.abc import Awaitable
from typing import Annotated, Protocol
from uuid import UUID

import structlog
from fastapi import Depends, Request

from api.problems import Report
from workflows.client import LaterError
from workflows.onboarding_contracts import Act

log = structlog.get_logger(__name__)


class Starter(Protocol):
    """The way to the onboardings' runs; `workflows.client.OnboardingStarter` is one."""

    async def wake(self, onboarding_id: str, organization_id: str) -> None:
        """Tell its run to look, and start one where there is none.

        Raises:
            LaterError: it did not arrive.
        """

    async def act(self, onboarding_id: str, act: Act) -> bool:
        """Tell its run what a person did; False when it did not arrive or was refused."""

    async def can_take_a_code(self) -> bool:
        """Whether a code that comes now would be exchanged in time."""


class Wakes:
    """Carries what is stored to Temporal at once, as best it can: the row's due mark has intake repeat it.

    `starter` is None where nothing reaches Temporal from here: then intake alone does it.
    """

    def __init__(self, starter: Starter | None, report: Report) -> None:
        self._starter = starter
        self._report = report
        self._under_way: set[asyncio.Task[None]] = set()

    def started(self, onboarding_id: UUID, organization_id: UUID) -> None:
        """A new onboarding is stored: its code has seconds to live."""
        if self._starter is not None:
            self._begin(self._starter.wake(str(onboarding_id), str(organization_id)), onboarding_id)

    def acted(self, onboarding_id: UUID, act: Act) -> None:
        """A person's answer is stored."""
        if self._starter is not None:
            self._begin(self._starter.act(str(onboarding_id), act), onboarding_id)

    async def can_take_a_code(self) -> bool:
        """Whether a code that comes now would be exchanged in time: ask before a person is sent to Meta."""
        return self._starter is not None and await self._starter.can_take_a_code()

    async def drain(self) -> None:
        """Wait for what is under way: a few seconds at most, by the starter's own time-outs."""
        if self._under_way:
            await asyncio.wait(self._under_way)

    def _begin(self, call: Awaitable[object], onboarding_id: UUID) -> None:
        task = asyncio.create_task(self._watch(call, onboarding_id))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def _watch(self, call: Awaitable[object], onboarding_id: UUID) -> None:
        calling = asyncio.ensure_future(call)
        await asyncio.wait({calling})
        error = calling.exception()
        if isinstance(error, LaterError) or (error is None and calling.result() is False):
            log.info("onboarding.wake_later", onboarding_id=str(onboarding_id))
        elif error is not None:
            await self._report(error)


def _wakes(request: Request) -> Wakes:
    wakes: Wakes = request.app.state.wakes
    return wakes


Nudge = Annotated[Wakes, Depends(_wakes)]
"""The way to the onboardings' runs."""
