"""A browser for tests: Debian's Chromium, which calls nobody by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

_QUIET = ("--disable-background-networking", "--disable-component-update", "--disable-sync")


@asynccontextmanager
async def launched(chromium: str) -> AsyncIterator[Browser]:
    """The program at this path, without a window."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=chromium, args=["--no-sandbox", "--disable-gpu", *_QUIET]
        )
        yield browser
        await browser.close()
