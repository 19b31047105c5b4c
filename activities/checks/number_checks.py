"""The activity: reads Meta's side of one number step by step, and records what it amounts to."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

import structlog
from temporalio import activity

import telemetry
from activities.checks import health, judging
from activities.checks.meta import Meta, failed
from activities.checks.report import Report
from activities.checks.subscribing import Subscribing
from activities.checks.templates import read_templates
from activities.checks.tokens import Tokens
from activities.heartbeat import heartbeating
from store import checks
from store.checks import NumberToCheck, Recorded
from store.engine import Database
from store.errors import MetaUnavailableError, UnavailableError
from store.integrations import open_token
from store.sealing import KeyRing
from whatsapp.account_facts import NumberFacts
from workflows.check_contracts import CheckActivities, Checked, CheckNumber

log = structlog.get_logger(__name__)

_CHANGED_MEANWHILE = 3
"""Looks at a number whose token is replaced during each of them."""


class CheckedSchedules(Protocol):
    """The Schedules of checks; `workflows.client.CheckSchedules` is one."""

    async def ensure(self, integration_id: str, organization_id: str, *, every: timedelta) -> None:
        """Have the number checked this often."""
        ...

    async def remove(self, integration_id: str) -> None:
        """End its checks."""
        ...


@dataclass(frozen=True, slots=True)
class NumberChecks(CheckActivities):
    """Everything it needs comes through the constructor; `worker.py` builds it."""

    database: Database
    ring: KeyRing
    meta: Meta
    schedules: CheckedSchedules
    away: type[Exception]
    """What the Schedules raise when Temporal does not take a call."""
    app_id: str
    callbacks: Sequence[str]
    """Where our app's webhooks may arrive: our public address and each of the paths; the first is what is advised."""
    override_url: str
    """Where each number's webhooks are to go instead; empty: nowhere else."""
    every: timedelta
    every_unwell: timedelta

    @activity.defn(name="check_integration")
    async def check_integration(self, command: CheckNumber) -> Checked:
        """Compare, repair, record, hold or release; then see that the next check comes when it should."""
        async with heartbeating():
            try:
                return await self._check(UUID(command.integration_id))
            except MetaUnavailableError:
                telemetry.number_checks.labels(outcome="unavailable").inc()
                raise

    async def _check(self, integration_id: UUID) -> Checked:
        for _ in range(_CHANGED_MEANWHILE):
            number = await checks.read_number(self.database, integration_id)
            if number is None:
                return await self._not_connected(integration_id)
            if number.state == "connecting":
                return Checked(str(number.id), number.state, says="It is being connected; nothing is compared yet.")
            number, report = await self._look(number)
            recorded = await checks.record(self.database, number, report.findings(number))
            if recorded is not None:
                await self._pace(number, recorded)
                await self._read_templates(number, report)
                return _checked(number, report, recorded)
        raise UnavailableError("The number's token was replaced during each look at it.")

    async def _look(self, number: NumberToCheck) -> tuple[NumberToCheck, Report]:
        report = Report()
        token = self._token(number)
        await self._look_at_app(number, report)
        if token is None:
            report.look("token", judging.no_token())
            report.hold("token")
            return number, report
        number, token = await Tokens(self.database, self.ring, self.meta, self.app_id).look(number, token, report)
        if report.ill is not None:
            return number, report
        facts = await self._look_at_number(number, token, report)
        if facts is not None:
            subscribing = Subscribing(self.meta, self.ring, self.app_id, self.callbacks, self.override_url)
            await subscribing.look(number, token, facts, report)
        return number, report

    async def _read_templates(self, number: NumberToCheck, report: Report) -> None:
        """Last: what was found stands, whatever becomes of it."""
        token = self._token(number)
        if token is not None and report.may_live and report.ill is None:
            await read_templates(self.database, self.meta, number, token)

    def _token(self, number: NumberToCheck) -> str | None:
        sealed = number.access_token_sealed
        return None if sealed is None else open_token(self.ring, sealed, number.id)

    async def _look_at_app(self, number: NumberToCheck, report: Report) -> None:
        subscriptions = await self.meta.app_subscriptions()
        if isinstance(subscriptions, list):
            found = judging.app(subscriptions, self.callbacks, coexistence=number.coexistence)
            report.look("app", *found)
            return
        refused, _ = failed(subscriptions)
        report.look("app", judging.app_refused(refused))

    async def _look_at_number(self, number: NumberToCheck, token: str, report: Report) -> NumberFacts | None:
        facts = await self.meta.number(number.phone_number_id, token)
        if not isinstance(facts, NumberFacts):
            self._refused(facts, report)
            return None
        report.look("number", *judging.number(facts))
        report.look("quality", judging.quality(facts))
        report.look("health", *health.judge(facts.health))
        report.columns |= _number_columns(facts)
        report.per_second = judging.per_second(facts)
        report.may_live = True
        report.may_be_released = judging.unrestricted(facts)
        if judging.must_stop(facts):
            report.ill = checks.NewState("stopped", "stopped")
        return facts

    @staticmethod
    def _refused(failure: object, report: Report) -> None:
        refused, verdict = failed(failure)
        match verdict.hold:
            case "token":
                report.look("token", judging.dead_token(refused.detail))
                report.hold("token")
            case "permission":
                report.look("scopes", judging.access_lost(refused, verdict))
                report.hold("permission")
            case _:
                report.look("number", judging.unreadable(refused, verdict))

    async def _pace(self, number: NumberToCheck, recorded: Recorded) -> None:
        """The Schedule's interval follows the state.

        Raises:
            UnavailableError: Temporal did not take it; the check is repeated.
        """
        often = recorded.state in {"held", "stopped"}
        every = self.every_unwell if often else self.every
        try:
            await self.schedules.ensure(str(number.id), str(number.organization_id), every=every)
        except self.away:
            raise UnavailableError("Temporal did not take the Schedule of the next check.") from None
        await checks.note_interval(self.database, number.id, often=often)

    async def _not_connected(self, integration_id: UUID) -> Checked:
        try:
            await self.schedules.remove(str(integration_id))
        except self.away:
            raise UnavailableError("Temporal did not remove the Schedule of the checks.") from None
        return Checked(str(integration_id), "disconnected", says="It is not connected (any more): its checks end.")


def _number_columns(facts: NumberFacts) -> dict[str, object]:
    told = {
        "verified_name": facts.verified_name,
        "number_status": facts.status,
        "quality": facts.quality,
        "messaging_limit": facts.messaging_limit,
        "throughput": facts.throughput,
    }
    return {name: value for name, value in told.items() if value is not None} | {"coexistence": facts.is_coexistence}


def _checked(number: NumberToCheck, report: Report, recorded: Recorded) -> Checked:
    still = [one for one in report.found if not one.repaired]
    telemetry.number_checks.labels(outcome="found" if still else "ok").inc()
    says = " ".join(one.says for one in report.found) or "Everything is as it should be."
    log.info("number.checked", integration_id=str(number.id), state=recorded.state, found=[one.code for one in still])
    return Checked(str(number.id), recorded.state, [one.code for one in still], report.repaired, recorded.cleared, says)
