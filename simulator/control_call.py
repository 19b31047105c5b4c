"""How the control API is called."""

from types import TracebackType
from typing import Any, Self

import httpx

CALL_SECONDS = 30.0


class ControlCalls:
    """The connection behind every method of the client."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url.rstrip("/")
        self._http = httpx.AsyncClient(base_url=f"{self.base_url}/_control", timeout=CALL_SECONDS, trust_env=False)

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
