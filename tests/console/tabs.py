"""Pages of a browser that serve several tests: a new one's process costs more than what most tests do with it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Browser, Page

_WITHIN_MS = 8000


@dataclass(frozen=True, slots=True)
class Tabs:
    """The pages of one browser, each in a context of its own, by what its context was made with."""

    browser: Browser
    _free: dict[str, list[Page]] = field(default_factory=dict)

    @asynccontextmanager
    async def tab(self, **options: Any) -> AsyncIterator[Page]:
        """A blank page without cookies, routes or other windows; one that an error was seen in serves nobody again."""
        free = self._free.setdefault(repr(sorted(options.items())), [])
        page = free.pop() if free else await self._new(options)
        try:
            yield page
            await _clear(page)
        except BaseException:
            await page.context.close()
            raise
        free.append(page)

    async def close(self) -> None:
        """Close them all."""
        for pages in self._free.values():
            for page in pages:
                await page.context.close()

    async def _new(self, options: dict[str, Any]) -> Page:
        context = await self.browser.new_context(reduced_motion="reduce", **options)
        context.set_default_timeout(_WITHIN_MS)
        return await context.new_page()


async def _clear(page: Page) -> None:
    for other in page.context.pages:
        if other != page:
            await other.close()
    await page.unroute_all(behavior="ignoreErrors")
    await page.goto("about:blank")
    await page.context.clear_cookies()
