"""What crosses between the check of a number, its Schedule and its activity: ids and sentences of ours."""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity


def check_schedule_id(integration_id: str) -> str:
    """The one Schedule of an integration's checks."""
    return f"check/{integration_id}"


@dataclass(frozen=True, slots=True)
class CheckInput:
    """What a check's run starts with; its id is `check/<integration id>-<time>`, given by the Schedule."""

    integration_id: str
    timeout: timedelta = timedelta(minutes=5)
    """For the whole check, Temporal's retries included."""


@dataclass(frozen=True, slots=True)
class CheckNumber:
    """Check one integration against Meta."""

    integration_id: str


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found, in codes (headings in docs/checks.md) and words."""

    integration_id: str
    state: str = ""
    """The integration's state after the check."""
    found: list[str] = field(default_factory=list)
    repaired: list[str] = field(default_factory=list)
    cleared: list[str] = field(default_factory=list)
    says: str = ""


class CheckActivities(ABC):
    """Typed stubs of a check's activities."""

    @activity.defn(name="check_integration")
    @abstractmethod
    async def check_integration(self, command: CheckNumber) -> Checked:
        """Read Meta's side, compare, repair what is safe, record findings, hold or release the number."""
