"""The client's part for resumable uploads: what came of each."""

from dataclasses import dataclass

from simulator.control_call import ControlCalls


@dataclass(frozen=True, slots=True)
class Uploaded:
    """One session as it stands."""

    id: str
    name: str
    mime_type: str
    length: int
    received: int
    offsets: list[int]
    """Where each part that came began."""
    handle: str | None
    sha256: str
    """Of what came."""


class UploadsClient(ControlCalls):
    """Looks at uploads."""

    async def uploads(self) -> list[Uploaded]:
        """Every session, the oldest first."""
        return [Uploaded(**row) for row in await self._call("GET", "/uploads")]
