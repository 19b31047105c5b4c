"""Message templates of WhatsApp Business accounts, as Meta keeps them: one for each name and language."""

import re
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]
MOST_AN_HOUR = 100
"""Templates that an account makes over Graph."""
MOST_VERIFIED, MOST_UNVERIFIED = 6000, 250
"""Templates that an account of a verified portfolio has at most, and of any other; all languages of a name are one."""
_HOUR = 3600.0
SLOT = re.compile(r"\{\{\s*(\w+)\s*\}\}")


@dataclass(slots=True)
class Template:
    """One template in one language."""

    id: str
    waba_id: str
    name: str
    language: str
    category: str
    components: list[Json]
    parameter_format: str = "POSITIONAL"
    status: str = "PENDING"
    quality: str = "UNKNOWN"
    rejected_reason: str = "NONE"

    def row(self) -> Json:
        """Its fields, as Graph names them."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "status": self.status,
            "quality_score": {"score": self.quality},
            "parameter_format": self.parameter_format,
            "components": self.components,
            "rejected_reason": self.rejected_reason,
        }

    def component(self, kind: str) -> Json:
        """Its part of this type; empty if it has none."""
        return next((one for one in self.components if str(one.get("type")).upper() == kind), {})

    @property
    def buttons(self) -> list[Json]:
        """Its buttons, in their order."""
        return buttons_of(self.component("BUTTONS")) or []


@dataclass(slots=True)
class Shelf:
    """The templates of all accounts."""

    kept: dict[str, Template] = field(default_factory=dict)
    """By id, in the order in which they were made."""
    _used: set[str] = field(default_factory=set)
    _made: dict[str, list[float]] = field(default_factory=dict)

    def has_room(self, waba_id: str, name: str, most: int) -> bool:
        """Whether the account may have a template of this name, if it may have so many."""
        names = {one.name for one in self.of(waba_id)}
        return name in names or len(names) < most

    def may_make(self, waba_id: str, now: float) -> bool:
        """Whether the account may make one more at this time (seconds since 1970), which is counted if so."""
        lately = [at for at in self._made.get(waba_id, []) if now - at < _HOUR]
        self._made[waba_id] = lately
        if len(lately) >= MOST_AN_HOUR:
            return False
        lately.append(now)
        return True

    def add(self, template: Template) -> None:
        """Keep a template."""
        self.kept[template.id] = template
        self._used.add(template.waba_id)

    def is_used(self, waba_id: str) -> bool:
        """Whether the account ever had a template. One that had none takes any: tests of rates need no definitions."""
        return waba_id in self._used

    def of(self, waba_id: str) -> list[Template]:
        """An account's templates, the newest first."""
        return [one for one in reversed(self.kept.values()) if one.waba_id == waba_id]

    def find(self, waba_id: str, name: str, language: str) -> Template | None:
        """The one of this name and language."""
        return next((one for one in self.of(waba_id) if (one.name, one.language) == (name, language)), None)

    def remove(self, template: Template) -> None:
        """Delete it."""
        del self.kept[template.id]


def buttons_of(component: Json) -> list[Json] | None:
    """The buttons of a component that has such; None if what stands there is no list of them."""
    buttons = component.get("buttons")
    return buttons if isinstance(buttons, list) and all(isinstance(one, dict) for one in buttons) else None


def slots(text: Any) -> list[str]:
    """The placeholders of a text, each once."""
    return list(dict.fromkeys(SLOT.findall(text))) if isinstance(text, str) else []
