"""Deliver an event to a business's own software, signed by Standard Webhooks; Temporal repeats what was not taken."""

import asyncio
import json
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import UUID

import httpx
import structlog
from standardwebhooks import Webhook
from temporalio import activity

import telemetry
from activities.heartbeat import heartbeating
from store import event_attempts
from store.engine import Database
from store.errors import HoldfastError
from store.event_attempts import Attempt, Over
from store.event_endpoints import open_endpoint_secret
from store.sealing import KeyRing
from workflows.event_contracts import Deliver, Delivered, EventActivities, GiveUpDelivery

log = structlog.get_logger(__name__)

_JITTER = 0.2
"""Of the wait: endpoints that failed together are not asked together again."""
_NO_LONGER = 20
"""Past this many doublings any first wait is longer than any longest one."""


class NotTakenError(HoldfastError):
    """The endpoint did not take the event; it is offered again after `retry_in`."""

    code = "event_not_taken"
    http_status = 502
    next_step = "Look at the endpoint's software; the event is offered again by itself."

    def __init__(self, detail: str, *, status: int | None = None, retry_in: timedelta | None = None) -> None:
        super().__init__(detail)
        self.status = status
        self.retry_in = retry_in


@dataclass(frozen=True, slots=True)
class EventDeliveries(EventActivities):
    """Posts over one client, which the egress room makes: public addresses only, unless the settings allow others."""

    database: Database
    ring: KeyRing
    client: httpx.AsyncClient
    refused_address: type[httpx.TransportError]
    """What the client raises for an address it must not connect to."""
    timeout: timedelta

    @activity.defn(name="deliver_event")
    async def deliver_event(self, command: Deliver) -> Delivered:
        """Post the event; raises what is to be tried again, with the wait until then."""
        async with heartbeating():
            attempt = await event_attempts.begin(self.database, UUID(command.delivery_id))
            if isinstance(attempt, Over):
                return Delivered(attempt.state, attempt.says)
            try:
                status = await self._post(attempt)
            except NotTakenError as error:
                wait = _wait(command, activity.info().attempt)
                await event_attempts.refused(
                    self.database, attempt.delivery_id, status=error.status, error=error.detail, next_in=wait
                )
                telemetry.event_deliveries.labels(result="refused").inc()
                log.info("event.not_taken", delivery_id=command.delivery_id, status=error.status)
                raise NotTakenError(error.detail, status=error.status, retry_in=wait) from None
            return await self._answered(attempt, status)

    @activity.defn(name="give_up_delivery")
    async def give_up_delivery(self, command: GiveUpDelivery) -> Delivered:
        """Record that nothing came of it, and switch the endpoint off with notice."""
        async with heartbeating():
            over = await event_attempts.give_up(self.database, UUID(command.delivery_id), detail=command.detail)
            telemetry.event_deliveries.labels(result="given_up").inc()
            log.warning("event.given_up", delivery_id=command.delivery_id)
            return Delivered(over.state, over.says)

    async def _answered(self, attempt: Attempt, status: int) -> Delivered:
        if status == HTTPStatus.GONE:
            await event_attempts.gone(self.database, attempt.delivery_id, status=status)
            telemetry.event_deliveries.labels(result="gone").inc()
            return Delivered("failed", "The endpoint answered 410 Gone and was switched off.")
        await event_attempts.taken(self.database, attempt.delivery_id, status=status)
        telemetry.event_deliveries.labels(result="delivered").inc()
        return Delivered("delivered", f"The endpoint answered {status}.")

    async def _post(self, attempt: Attempt) -> int:
        """The status of a final answer: 2xx or 410.

        Raises:
            NotTakenError: any other answer, or none.
        """
        body = _body(attempt)
        seconds = self.timeout.total_seconds()
        try:
            # One limit for all of it: the client's own is for each read. Of the answer only the status line counts.
            async with (
                asyncio.timeout(seconds),
                self.client.stream(
                    "POST", attempt.url, content=body, headers=self._headers(attempt, body), timeout=seconds
                ) as response,
            ):
                return _judged(response)
        except httpx.UnsupportedProtocol:
            raise NotTakenError("The endpoint's URL is no http(s) address.") from None
        except self.refused_address:
            raise NotTakenError("The endpoint's URL leads to an address that is not public.") from None
        except (TimeoutError, httpx.TimeoutException):
            raise NotTakenError(f"The endpoint did not answer within {seconds:g} s.") from None
        except httpx.HTTPError as error:
            raise NotTakenError(f"The endpoint could not be reached: {type(error).__name__}.") from None

    def _headers(self, attempt: Attempt, body: str) -> dict[str, str]:
        secret = open_endpoint_secret(self.ring, attempt.secret_sealed, attempt.endpoint_id)
        now, message_id = datetime.now(UTC), f"event_{attempt.event_id}"
        return {
            "content-type": "application/json",
            "user-agent": "Holdfast",
            "webhook-id": message_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": Webhook(secret).sign(message_id, now, body),
        }


def _judged(response: httpx.Response) -> int:
    status = response.status_code
    if response.is_success or status == HTTPStatus.GONE:
        return status
    if response.is_redirect:
        said = f"The endpoint answered with a redirect (HTTP {status}), which is not followed: register its target."
        raise NotTakenError(said, status=status)
    raise NotTakenError(f"The endpoint answered with HTTP {status}.", status=status)


def _body(attempt: Attempt) -> str:
    number: dict[str, Any] = {}
    if attempt.integration_id is not None:
        number = {"integration_id": str(attempt.integration_id), "phone_number": attempt.phone_number}
    told = {"type": attempt.type, "timestamp": attempt.happened_at.isoformat(), "data": number | attempt.data}
    return json.dumps(told, ensure_ascii=False)


def _wait(command: Deliver, attempt: int) -> timedelta:
    """Until the attempt after this one (the first is 1): doubled each time, never alike for two deliveries."""
    doubled: timedelta = command.first_retry * (1 << min(attempt - 1, _NO_LONGER))
    spread = 1 + random.uniform(-_JITTER, _JITTER)  # noqa: S311 - a spread, no secret
    return min(doubled, command.longest_retry) * spread
