"""Reading a message as Graph does: every part has a name in Meta's words, and a mistake is told by it."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from simulator.refusals import RefusedError

INVALID = 100
MISSING = 131008
NOT_VALID = 131009


@dataclass(frozen=True, slots=True)
class Param:
    """One object of a message."""

    name: str
    value: dict[str, Any]
    invalid: int = INVALID
    """The code of what is too long or too many: 131009 within interactive messages, else 100."""

    def only(self, *known: str) -> None:
        """Refuse keys that do not belong here."""
        for key in self.value:
            if key not in known:
                raise RefusedError(INVALID, message=f'(#100) Unexpected key "{key}" on param "{self.name}".')

    def at(self, key: str) -> str:
        """The name of what stands under a key."""
        return f"{self.name}['{key}']"

    def text(self, key: str, *, longest: int | None = None) -> str:
        """A text that has to be there."""
        found = self.maybe_text(key, longest=longest)
        if not found:
            raise RefusedError(MISSING, details=f"Parameter {self.at(key)} is required")
        return found

    def maybe_text(self, key: str, *, longest: int | None = None) -> str | None:
        """A text that may be left out."""
        found = self.value.get(key)
        if found is None:
            return None
        if not isinstance(found, str):
            raise RefusedError(NOT_VALID, details=f"Param {self.at(key)} must be a string.")
        if longest is not None and len(found) > longest:
            details = f"Param {self.at(key)} must be at most {longest} characters long."
            raise RefusedError(self.invalid, details=details)
        return found

    def one_of(self, key: str, known: Collection[str]) -> str:
        """A text out of a few."""
        found = self.text(key)
        if found not in known:
            details = f"Param {self.at(key)} must be one of {{{', '.join(sorted(known)).upper()}}} - got '{found}'."
            raise RefusedError(NOT_VALID, details=details)
        return found

    def maybe_flag(self, key: str) -> bool:
        """A yes or no that may be left out."""
        found = self.value.get(key, False)
        if not isinstance(found, bool):
            raise RefusedError(NOT_VALID, details=f"Param {self.at(key)} must be a boolean.")
        return found

    def link(self, key: str) -> str:
        """A web address."""
        found = self.text(key)
        if not found.startswith(("https://", "http://")) or any(mark.isspace() for mark in found):
            raise RefusedError(INVALID, details=f"Param {self.at(key)} is not a valid URI.")
        return found

    def object(self, key: str) -> "Param":
        """A part that has to be there."""
        found = self.maybe_object(key)
        if found is None:
            raise RefusedError(MISSING, details=f"Parameter {self.at(key)} is required")
        return found

    def maybe_object(self, key: str) -> "Param | None":
        """A part that may be left out."""
        found = self.value.get(key)
        if found is None:
            return None
        if not isinstance(found, dict):
            raise RefusedError(NOT_VALID, details=f"Param {self.at(key)} must be an object.")
        return Param(self.at(key), found, self.invalid)

    def objects(self, key: str, *, most: int | None = None, least: int = 1) -> "list[Param]":
        """A list of parts."""
        found = self.value.get(key)
        if found is None and least:
            raise RefusedError(MISSING, details=f"Parameter {self.at(key)} is required")
        if not isinstance(found := found or [], list) or not all(isinstance(one, dict) for one in found):
            raise RefusedError(NOT_VALID, details=f"Param {self.at(key)} must be an array of objects.")
        if len(found) < least or (most is not None and len(found) > most):
            details = f"Invalid {key} count. Min allowed {key}: {least}, Max allowed {key}: {most}"
            raise RefusedError(NOT_VALID, details=details)
        return [Param(f"{self.at(key)}[{place}]", one, self.invalid) for place, one in enumerate(found)]

    def refuse(self, key: str, why: str) -> RefusedError:
        """A value that is not valid."""
        return RefusedError(NOT_VALID, details=f"Param {self.at(key)} {why}")
