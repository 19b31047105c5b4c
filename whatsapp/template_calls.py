"""Graph's calls about message templates: all of an account, one, making, changing and deleting (section 10).

What the network does comes back as a value (`calls.Failure`), never raised.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from whatsapp import templates
from whatsapp.calls import Failure
from whatsapp.foreign import text
from whatsapp.management import Call, Done, Management, path, unlike
from whatsapp.templates import TemplateFacts

FIELDS = (
    "id",
    "name",
    "language",
    "category",
    "status",
    "quality_score",
    "parameter_format",
    "components",
    "rejected_reason",
)
MOST_PAGES = 200
"""Of one account, a hundred templates each."""
_EDGE = "message_templates"


@dataclass(frozen=True, slots=True)
class Made:
    """A template that Meta has taken in."""

    id: str
    status: str
    category: str | None
    """Meta may choose another than was asked for."""


@dataclass(frozen=True, slots=True)
class TemplateCalls:
    """For any number of tokens."""

    graph: Management

    async def of_account(self, waba_id: str, token: str) -> list[TemplateFacts] | Failure:
        """All templates of an account, page by page."""
        call = Call("GET", path(waba_id, _EDGE), token, params={"fields": ",".join(FIELDS)})
        return await self.graph.ask_all(call, templates.facts, most_pages=MOST_PAGES)

    async def one(self, template_id: str, token: str) -> TemplateFacts | Failure:
        """One template, by Meta's id."""
        body = await self.graph.ask(Call("GET", path(template_id), token, params={"fields": ",".join(FIELDS)}))
        return body if not isinstance(body, dict) else templates.facts(body) or unlike("a template")

    async def make(self, waba_id: str, token: str, content: Mapping[str, Any]) -> Made | Failure:
        """Make a template: name, language, category, parameter_format and components, as Meta names them."""
        body = await self.graph.ask(Call("POST", path(waba_id, _EDGE), token, content=content))
        if not isinstance(body, dict):
            return body
        made, status, category = (text(body.get(key)) for key in ("id", "status", "category"))
        return Made(made, status or "PENDING", category) if made else unlike("the id of a template")

    async def change(self, template_id: str, token: str, content: Mapping[str, Any]) -> Done | Failure:
        """Change its category or its components; Meta reviews it anew."""
        return await self.graph.do(Call("POST", path(template_id), token, content=content))

    async def delete(self, waba_id: str, token: str, *, name: str, meta_id: str | None = None) -> Done | Failure:
        """Delete a template in the one language that `meta_id` stands for; without it in all its languages."""
        params = {"name": name} | ({"hsm_id": meta_id} if meta_id else {})
        return await self.graph.do(Call("DELETE", path(waba_id, _EDGE), token, params=params))
