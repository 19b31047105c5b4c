"""How the control API is called."""

import ssl
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

import httpx

CALL_SECONDS = 30.0
PLAIN = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""The simulator speaks plain HTTP: a client of it need not spend 30 ms on reading certificates."""


def instant(seconds: float) -> datetime:
    """A moment as the control API tells it."""
    return datetime.fromtimestamp(seconds, UTC)


def named(customer: str) -> str:
    """Under which name a customer is told: digits are a phone number, all else is a BSUID."""
    return "wa_id" if customer.isdecimal() else "user_id"


class ControlCalls:
    """The connection behind every method of the client."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        url = f"{self.base_url}/_control"
        # The simulator closes what has been idle for 5 s: written into just then, a call would be lost.
        limits = httpx.Limits(keepalive_expiry=2)
        self._http = httpx.AsyncClient(base_url=url, timeout=CALL_SECONDS, trust_env=False, verify=PLAIN, limits=limits)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def _call(self, method: str, path: str, **request: Any) -> Any:
        response = await self._http.request(method, path, **request)
        response.raise_for_status()
        return response.json()
