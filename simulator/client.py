"""The simulator's control API as a Python client, for commands, the bench and tests."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from simulator.control_call import CALL_SECONDS, instant, named
from simulator.faults_client import FaultsClient
from simulator.kinds_client import KindsClient
from simulator.notices_client import NoticesClient
from simulator.templates_client import TemplatesClient
from simulator.uploads_client import UploadsClient

_PATIENCE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that reached a simulated customer."""

    wamid: str
    type: str
    content: dict[str, Any]
    callback_data: str | None
    reply_to: str | None
    received_at: datetime

    @property
    def text(self) -> str:
        """The body of a text message; empty for other types."""
        return str(self.content.get("body", "")) if self.type == "text" else ""


@dataclass(frozen=True, slots=True)
class LoadReport:
    """What a closed-loop load came to; times in milliseconds, None if nothing was exchanged."""

    customers: int
    customers_used: int
    seconds: float
    exchanges: int
    exchanges_per_s: float
    unanswered: int
    mean_ms: float | None
    p50_ms: float | None
    p90_ms: float | None
    p99_ms: float | None
    max_ms: float | None


class SimulatorClient(NoticesClient, FaultsClient, KindsClient, UploadsClient, TemplatesClient):
    """Everything the control API can do.

    Calls raise httpx.HTTPStatusError for what the simulator refuses, httpx.TransportError when it is not there.
    """

    async def add_number(
        self, phone_number_id: str, waba_id: str, *, display_phone_number: str, token: str, **knobs: Any
    ) -> None:
        """Add or replace a number; `knobs` are those of `simulator.numbers.Knobs`, and `business_id`."""
        identity = {"phone_number_id": phone_number_id, "waba_id": waba_id, "token": token}
        number = identity | {"display_phone_number": display_phone_number.removeprefix("+")} | knobs
        await self._call("POST", "/numbers", json=number)

    async def change_number(self, phone_number_id: str, **knobs: Any) -> None:
        """Turn knobs of a number, or give it another `token`."""
        await self._call("PATCH", f"/numbers/{phone_number_id}", json=knobs)

    async def customer_says(
        self,
        phone_number_id: str,
        customer: str,
        text: str | None = None,
        *,
        timestamp: datetime | None = None,
        **message: Any,
    ) -> str:
        """Let a customer (phone number without `+`, or BSUID) write; the wamid.

        `message` takes the further fields of `simulator.orders.SayOrder`: type, content, name, group_id, extra.
        """
        order = {"phone_number_id": phone_number_id, named(customer): customer} | message
        if text is not None:
            order["text"] = text
        if timestamp is not None:
            order["timestamp"] = int(timestamp.timestamp())
        return str((await self._call("POST", "/say", json=order))["wamid"])

    async def wait_for_replies(
        self,
        phone_number_id: str,
        customer: str,
        count: int = 1,
        *,
        after: str | None = None,
        timeout: timedelta = _PATIENCE,  # noqa: ASYNC109 - the simulator waits, not we
    ) -> list[Reply]:
        """The replies a customer has received, once there are `count` (said since the message `after`, if given).

        Raises:
            TimeoutError: fewer came; it names how many.
        """
        query: dict[str, Any] = {"replies": count, "patience": timeout.total_seconds()}
        if after is not None:
            query["after"] = after
        log = await self._conversation(phone_number_id, customer, **query)
        replies = [_reply(row) for row in log["replies"][log["replies_before"] :]]
        if not log["reached"]:
            message = f"{len(replies)} of {count} replies reached {customer} within {timeout.total_seconds()} s"
            raise TimeoutError(message)
        return replies

    async def wait_for_reply(
        self,
        phone_number_id: str,
        customer: str,
        *,
        after: str | None = None,
        timeout: timedelta = _PATIENCE,  # noqa: ASYNC109
    ) -> Reply:
        """The first reply (since the message `after`, if given); see `wait_for_replies`."""
        return (await self.wait_for_replies(phone_number_id, customer, after=after, timeout=timeout))[0]

    async def conversation(self, phone_number_id: str, customer: str) -> dict[str, Any]:
        """The whole log of a conversation: `said`, `replies`, `window_open`, counts."""
        return await self._conversation(phone_number_id, customer)

    async def account(self, phone_number_id: str | None = None, *, lists: bool = False) -> dict[str, Any]:
        """What was accepted, delivered, doubled, refused, said and left unanswered, and how webhooks fared."""
        query = {"lists": lists} | ({"phone_number_id": phone_number_id} if phone_number_id else {})
        account: dict[str, Any] = await self._call("GET", "/account", params=query)
        return account

    async def settle(self, timeout: timedelta = _PATIENCE) -> bool:  # noqa: ASYNC109
        """Wait until no status is due and every webhook was answered 200; False if that takes longer."""
        return bool((await self._call("GET", "/settled", params={"patience": timeout.total_seconds()}))["settled"])

    async def move_clock(self, by: timedelta) -> datetime:
        """Move the simulator's clock; what it shows then."""
        return instant((await self._call("POST", "/clock", json={"move": by.total_seconds()}))["now"])

    async def set_webhook(self, url: str | None = None, **settings: Any) -> None:
        """Change where webhooks go, `connections`, or `retry_first`, `retry_longest` and `retry_for` in seconds."""
        await self._call("PATCH", "/webhook", json=settings | ({"url": url} if url is not None else {}))

    async def collect(self) -> None:
        """Keep webhook updates back until `flush`."""
        await self._call("POST", "/collect")

    async def flush(self, size: int = 1000) -> int:
        """Deliver what was collected, `size` updates to a POST; how many POSTs."""
        return int((await self._call("POST", "/flush", json={"size": size}))["posts"])

    async def release_statuses(self, phone_number_id: str, *, shuffle: bool = False) -> int:
        """Send the statuses that `hold_statuses` kept; how many."""
        order = {"phone_number_id": phone_number_id, "shuffle": shuffle}
        return int((await self._call("POST", "/release", json=order))["released"])

    async def emit(self, waba_id: str, field: str, value: dict[str, Any], *, copies: int = 1) -> None:
        """Deliver any webhook change, like every other webhook."""
        order = {"waba_id": waba_id, "field": field, "value": value, "copies": copies}
        await self._call("POST", "/emit", json=order)

    async def send_raw(
        self,
        body: bytes,
        *,
        times: int = 1,
        signature: Literal["valid", "wrong", "none"] = "valid",
        url: str | None = None,
    ) -> list[int | None]:
        """Sign and deliver a body as it is, `times` at once; the HTTP statuses, None for no answer."""
        query: dict[str, Any] = {"times": times, "signature": signature} | ({"url": url} if url else {})
        return _statuses(await self._call("POST", "/send-raw", content=body, params=query))

    async def dashboard_sample(self) -> list[int | None]:
        """Send what the Test button of Meta's dashboard sends."""
        return _statuses(await self._call("POST", "/dashboard-sample"))

    async def verify_webhook(self, token: str) -> bool:
        """Whether the webhook's GET echoes the challenge for this verify token."""
        return bool((await self._call("POST", "/verify", params={"token": token}))["verified"])

    async def run_load(self, phone_number_id: str, *, customers: int, duration: timedelta, **load: Any) -> LoadReport:
        """Drive a closed loop of customers inside the simulator (`simulator.orders.LoadOrder`); returns at its end."""
        order = {"phone_number_id": phone_number_id, "customers": customers, "seconds": duration.total_seconds()}
        seconds = duration.total_seconds() + float(load.get("patience", 30.0)) + CALL_SECONDS
        return LoadReport(**await self._call("POST", "/load", json=order | load, timeout=seconds))

    async def _conversation(self, phone_number_id: str, customer: str, **query: Any) -> dict[str, Any]:
        seconds = float(query.get("patience", 0)) + CALL_SECONDS
        log: dict[str, Any] = await self._call(
            "GET", f"/conversations/{phone_number_id}/{customer}", params=query, timeout=seconds
        )
        return log


def _reply(row: dict[str, Any]) -> Reply:
    return Reply(**(row | {"received_at": instant(row["received_at"])}))


def _statuses(answers: dict[str, Any]) -> list[int | None]:
    return [answer["status"] for answer in answers["answers"]]
