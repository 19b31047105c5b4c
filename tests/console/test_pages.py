"""Every page in each of its states: at both widths, light and dark, sound by axe, silent in the log, at home."""

import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from html import unescape
from typing import Any, cast
from urllib.parse import urlsplit

import pytest

from simulator.client import SimulatorClient
from tests.console.numbers import finding, number
from tests.console.pages import STATES, State, connecting, home_full
from tests.console.stage import NARROW, WIDE, Console, Installation, Scheme, Watched, fits, is_sound

LOOKS: list[tuple[int, Scheme]] = [(WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark")]


@pytest.fixture(scope="session")
async def glass(installation: Installation, meta: SimulatorClient) -> AsyncIterator[Watched]:
    """One page for all of them: most of what a new one costs is axe being read."""
    context = await installation.browser.new_context(base_url=installation.url, reduced_motion="reduce")
    context.set_default_timeout(8000)
    watched = Watched(await context.new_page(), {urlsplit(url).netloc for url in (installation.url, meta.base_url)})
    watched.begin()
    yield watched
    await context.close()


@pytest.mark.parametrize("make", STATES, ids=lambda make: cast("Any", make).__name__)
async def test_a_page_is_sound_at_both_widths_light_and_dark(console: Console, glass: Watched, make: State) -> None:
    page, path = glass.page, await make(console)
    await console.enter(page)
    await page.goto(path)
    if make is connecting:
        await page.locator("#go:not([aria-disabled])").wait_for()
    for width, scheme in LOOKS:
        await page.set_viewport_size({"width": width, "height": 900 if width == WIDE else 844})
        await page.emulate_media(color_scheme=scheme)
        # What axe finds hangs on colours and on widths, not on both together.
        look = is_sound if (width == WIDE) == (scheme == "light") else fits
        await look(page, f"{make.__name__}-{width}-{scheme}")
    glass.is_clean()


async def test_the_first_page_names_what_is_wrong_with_a_number_and_which_software_hears_no_events(
    console: Console,
) -> None:
    await home_full(console)
    other = await number(console, "+49 30 8888888")
    gone, notice = {"cleared_at": datetime.now(UTC), "says": "It was so."}, {"severity": "notice", "says": "Mind."}
    await finding(console, other, code="gone", **gone)
    await finding(console, other, code="small", **notice)
    async with console.caller() as client:
        page = unescape((await client.get("/console")).text)
    for told in (
        "Meta no longer accepts the access token of this number",
        "enter a new token: what waits then leaves in order.",
        "Your software hears no events any more",
        "It answered 500 for a day.",
    ):
        assert told in page
    titles = re.findall(r'<div class="banner (\w+)">.*?<strong>(.*?)</strong>', page, re.DOTALL)
    assert [tone for tone, title in titles if title.startswith("Meta no longer accepts")] == ["bad"]
    assert "It was so." not in page
    assert "Mind." not in page
