"""What a check gathers on its way, and what it amounts to for the number."""

from dataclasses import dataclass, field
from typing import Any

from store.checks import Findings, NewState, NumberToCheck
from store.findings import Found, Subject


@dataclass(slots=True)
class Report:
    """Filled step by step; a step that could not be taken leaves its subjects as they were."""

    found: list[Found] = field(default_factory=list)
    looked_at: set[Subject] = field(default_factory=set)
    columns: dict[str, Any] = field(default_factory=dict)
    per_second: int | None = None
    ill: NewState | None = None
    """What the number has to be held or stopped for."""
    may_live: bool = False
    """Nothing was left unread, and nothing speaks against sending."""
    may_be_released: bool = False
    """Meta has the number connected and unrestricted: also one that it had stopped may go on."""

    def look(self, subject: Subject, *found: Found | None) -> None:
        """A subject was looked at, with what is wrong with it."""
        self.looked_at.add(subject)
        self.found += [one for one in found if one is not None]

    def hold(self, reason: str) -> None:
        """The token is dead, or may no longer do what it has to."""
        self.ill = NewState("held", reason)

    @property
    def repaired(self) -> list[str]:
        """The codes of what was put right."""
        return [one.code for one in self.found if one.repaired]

    def findings(self, number: NumberToCheck) -> Findings:
        """What is to be recorded."""
        return Findings(self.found, frozenset(self.looked_at), self.columns, self.per_second, self._state(number))

    def _state(self, number: NumberToCheck) -> NewState | None:
        if self.ill is not None:
            return self.ill
        released = {"held": self.may_live, "stopped": self.may_live and self.may_be_released}
        return NewState("live") if released.get(number.state) else None
