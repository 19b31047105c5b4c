"""The client's part for templates: what Meta decides about them, with or without its webhook (`tell`)."""

from typing import Any

from simulator.control_call import ControlCalls

Json = dict[str, Any]


class TemplatesClient(ControlCalls):
    """Keeps templates and plays Meta's part in their lives.

    What sends a webhook answers whether it was sent: not with `tell=False`, nor if the app is not subscribed.
    """

    async def add_template(
        self, waba_id: str, name: str, language: str, components: list[Json], **details: Any
    ) -> Json:
        """Have a template at Meta, APPROVED and UTILITY unless `details` (`NewTemplateOrder`) say otherwise."""
        order = {"waba_id": waba_id, "name": name, "language": language, "components": components}
        template: Json = await self._call("POST", "/templates", json=order | details)
        return template

    async def templates(self, waba_id: str) -> list[Json]:
        """An account's templates as Graph would tell them, the newest first."""
        found: list[Json] = await self._call("GET", "/templates", params={"waba_id": waba_id})
        return found

    async def decide_template(self, waba_id: str, name: str, language: str, event: str, **details: Any) -> bool:
        """APPROVED, REJECTED, PAUSED, DISABLED, DELETED …; `details` (`StatusOrder`): reason, parts, tell."""
        return await self._about("/template-status", waba_id, name, language, event=event, **details)

    async def rate_template(self, waba_id: str, name: str, language: str, quality: str, **details: Any) -> bool:
        """Give it another quality: GREEN, YELLOW, RED, UNKNOWN."""
        return await self._about("/template-quality", waba_id, name, language, quality=quality, **details)

    async def move_template(self, waba_id: str, name: str, language: str, category: str, **details: Any) -> bool:
        """Put it into another category; with `early=True` only announce that."""
        return await self._about("/template-category", waba_id, name, language, category=category, **details)

    async def edit_template(
        self, waba_id: str, name: str, language: str, components: list[Json], **details: Any
    ) -> bool:
        """Edit it as somebody would in WhatsApp Manager."""
        return await self._about("/template-components", waba_id, name, language, components=components, **details)

    async def _about(self, path: str, waba_id: str, name: str, language: str, **order: Any) -> bool:
        template = {"waba_id": waba_id, "name": name, "language": language}
        return bool((await self._call("POST", path, json=template | order))["sent"])
