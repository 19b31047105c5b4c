"""A console in a real browser: an API in this event loop, somebody who signs in, and an eye on what the pages do."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit
from uuid import UUID

import httpx
from axe_playwright_python.async_playwright import Axe
from playwright.async_api import Browser, ConsoleMessage, Error, Page, Request

from api.app import Application, create_app
from api.server import server
from cli.ports import free_port
from store.engine import Database
from store.organizations import create_agent_flow, create_organization
from store.people import list_people
from store.sessions import begin_session
from tests.api.edge import settings_for
from tests.console.tabs import Tabs
from tests.people import CHEAP, PASSWORD, person
from tests.rows import KEYED_HASH, RING

WIDE, NARROW = 1280, 390
SERIOUS = {"serious", "critical"}
_axe = Axe()
_numbers = count(1)
Scheme = Literal["light", "dark"]


class Starter:
    """The way to Temporal, as a test wants it."""

    def __init__(self) -> None:
        self.ready = True
        self.woken: list[str] = []

    async def wake(self, onboarding_id: str, organization_id: str) -> None:
        assert organization_id
        self.woken.append(onboarding_id)

    async def act(self, onboarding_id: str, act: str) -> bool:
        assert onboarding_id
        assert act
        return True

    async def can_take_a_code(self) -> bool:
        return self.ready


@dataclass
class Watched:
    """What a page logged and fetched."""

    page: Page
    hosts: set[str]
    log: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def begin(self) -> None:
        self.page.on("console", self._logged)
        self.page.on("pageerror", self._failed)
        self.page.on("request", self._requested)

    def end(self) -> None:
        self.page.remove_listener("console", self._logged)
        self.page.remove_listener("pageerror", self._failed)
        self.page.remove_listener("request", self._requested)

    def _failed(self, error: Error) -> None:
        self.log.append(str(error))

    def _logged(self, message: ConsoleMessage) -> None:
        # A refusal that a page was made to provoke is said there too; what is refused by policy is an error as well.
        if not message.text.startswith("Failed to load resource: the server responded with a status of 4"):
            self.log.append(f"{message.type}: {message.text}")

    def _requested(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in {"data", "blob", "about"} and parts.netloc not in self.hosts:
            self.foreign.append(request.url)

    def is_clean(self) -> None:
        """Nothing was logged, and nothing fetched from elsewhere."""
        assert self.log == []
        assert self.foreign == []


@dataclass(frozen=True, slots=True)
class Installation:
    """A running API with the console, and the browser that looks at it."""

    url: str
    database: Database
    browser: Browser
    starter: Starter
    app: Application | None
    tabs: Tabs


@dataclass(frozen=True, slots=True)
class Console:
    """An organization of its own with an owner's account and an agent flow."""

    of: Installation
    organization_id: UUID
    person_id: UUID
    email: str
    agent_flow_id: UUID
    watched: list[Watched]

    @property
    def url(self) -> str:
        return self.of.url

    @property
    def database(self) -> Database:
        return self.of.database

    @property
    def browser(self) -> Browser:
        return self.of.browser

    @property
    def starter(self) -> Starter:
        return self.of.starter

    @asynccontextmanager
    async def page(
        self,
        *,
        width: int = WIDE,
        scheme: Scheme = "light",
        hosts: Iterable[str] = (),
        **context: Any,
    ) -> AsyncIterator[Page]:
        """A page of a browser that is not signed in."""
        viewport = {"width": width, "height": 900 if width == WIDE else 844}
        async with self.of.tabs.tab(base_url=self.url, viewport=viewport, color_scheme=scheme, **context) as page:
            watched = Watched(page, {urlsplit(self.url).netloc, *hosts})
            watched.begin()
            self.watched.append(watched)
            try:
                yield page
            finally:
                watched.end()

    @asynccontextmanager
    async def signed_in(self, **options: Any) -> AsyncIterator[Page]:
        """A page of the owner, who has signed in before."""
        async with self.page(**options) as page:
            await self.enter(page)
            yield page

    async def enter(self, page: Page) -> None:
        """Let a page be the owner's, who has signed in before."""
        await page.context.add_cookies([{"name": "holdfast_session", "value": await self.session(), "url": self.url}])

    async def session(self) -> str:
        """The cookie's value of a new session of the owner."""
        everybody = await list_people(self.database, self.organization_id)
        own = next(one for one in everybody if one.id == self.person_id)
        async with self.database.transaction() as connection:
            return await begin_session(connection, KEYED_HASH, own, life=timedelta(hours=1))

    @asynccontextmanager
    async def caller(self) -> AsyncIterator[httpx.AsyncClient]:
        """A client with the owner's cookie, which does what no page of ours would."""
        cookies = {"holdfast_session": await self.session()}
        async with httpx.AsyncClient(base_url=self.url, cookies=cookies, timeout=10) as client:
            yield client


Install = Callable[..., AbstractAsyncContextManager[Console]]
"""Serves a console with settings of the caller's own."""


@asynccontextmanager
async def installed(
    database: Database, database_url: str, browser: Browser, *, meta: Mapping[str, Any] | None = None, **console: Any
) -> AsyncIterator[Installation]:
    """Serve the console over this database; `meta` and `console` change the settings of those groups."""
    port = free_port()
    given = settings_for(database_url)
    rules = {"public_url": f"http://127.0.0.1:{port}", "sign_in_attempts": 1000} | console
    settings = replace(
        given,
        console=given.console.model_copy(update=rules),
        meta=given.meta.model_copy(update=dict(meta or {})),
    )
    starter = Starter()
    app = create_app(settings, database=database, starter=starter)
    # People sign in a hundred times in these tests: hashes that cost nothing do.
    office = app.state.office
    app.state.office = replace(office, passwords=CHEAP, sign_in=replace(office.sign_in, passwords=CHEAP))
    serving = server(app, host="127.0.0.1", port=port, on_stop=app.stop_streams)
    task = asyncio.create_task(serving.serve())
    while not serving.started:
        assert not task.done(), "the API did not start"
        await asyncio.sleep(0.005)
    tabs = Tabs(browser)
    try:
        yield Installation(f"http://127.0.0.1:{port}", database, browser, starter, app, tabs)
    finally:
        await tabs.close()
        serving.should_exit = True
        await task


@asynccontextmanager
async def opened(installation: Installation) -> AsyncIterator[Console]:
    """A new organization on it; what its pages logged and fetched is judged at the end."""
    database, number = installation.database, next(_numbers)
    organization_id = await create_organization(database, "Bakery Nord")
    email = f"ada{number}@example.com"
    person_id = await person(database, organization_id, email, name="Ada Moor", role="owner")
    flow_id = await create_agent_flow(database, RING, organization_id=organization_id, name="Orders", kind="echo")
    installation.starter.ready = True
    installation.starter.woken.clear()
    made = Console(installation, organization_id, person_id, email, flow_id, [])
    yield made
    for watched in made.watched:
        watched.is_clean()


async def try_to_sign_in(page: Page, email: str, *, password: str) -> None:
    """Fill in the form and send it."""
    await page.goto("/console/sign-in")
    await page.get_by_label("E-mail address").fill(email)
    await page.get_by_label("Password").fill(password)
    await page.get_by_role("button", name="Sign in").click()


async def sign_in(page: Page, email: str, *, password: str = PASSWORD) -> None:
    """Sign in as anybody does."""
    await try_to_sign_in(page, email, password=password)
    await page.wait_for_url("**/console")


async def is_sound(page: Page, name: str) -> None:
    """The page fits its width and axe finds nothing serious."""
    await fits(page, name)
    found = (await _axe.run(page)).response["violations"]
    serious = [(one["id"], [node["html"] for node in one["nodes"]]) for one in found if one["impact"] in SERIOUS]
    assert serious == [], name


async def fits(page: Page, name: str) -> None:
    """The page fits its width; a picture of it if HOLDFAST_SCREENSHOTS names a folder."""
    await page.wait_for_load_state("load")
    if folder := os.environ.get("HOLDFAST_SCREENSHOTS"):
        Path(folder).mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=Path(folder) / f"{name}.png", full_page=True)
    overflow = await page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert overflow <= 0, f"{name} is {overflow} px too wide"


async def csrf_of(client: httpx.AsyncClient) -> str:
    """The token that the pages of this client's session carry."""
    found = re.search(r'name="csrf-token" content="([^"]+)"', (await client.get("/console/connect")).text)
    assert found
    return found.group(1)
