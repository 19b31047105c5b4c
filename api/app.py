"""The HTTP edge, put together: Meta's door first, then the management API. Wiring only."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from fastapi import FastAPI
from starlette.types import ASGIApp, Receive, Scope, Send

from api import challenge, docs, health, problems, rooms
from api.auth import ApiKeys
from api.background import MissedWebhooks, Part, running
from api.console.app import create_console, is_console
from api.group_commit import GroupCommit
from api.headers import SecurityHeaders
from api.pasted_tokens import PastedTokens
from api.template_desk import Readings
from api.throttle import RefusalThrottle
from api.unsubscribing import Unsubscriptions
from api.uploads import Uploads
from api.wakes import Starter, Wakes
from api.webhook import PATHS, Webhook, rules_of
from settings import Settings
from store import error_reports, webhook_log
from store.api_processes import listening
from store.engine import Database
from store.hashing import KeyedHash
from store.objects import ObjectStore
from store.sealing import KeyRing
from whatsapp.accounts import Accounts
from workflows.client import CheckSchedules

_DESCRIPTION = """
Connects WhatsApp numbers, sends messages and tells what became of each. Every request carries `Authorization: Bearer
hf_…`; every refusal is a problem (RFC 9457) that says what to do. Lists come in pages: pass `next_cursor` as `cursor`
until it is null.
"""


class Application(FastAPI):
    """FastAPI with Meta's door before its layers: a webhook needs no routing, validation or middleware."""

    webhook: Webhook
    console: ASGIApp
    """The pages for people: what goes wrong there is said on a page, not in JSON."""

    def stop_streams(self) -> None:
        """End the answers that would go on for ever: the process is to stop."""
        self.state.stopping.set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a webhook, or pass the request on."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in PATHS:
            await self.webhook(scope, receive, send)
            return
        if scope["type"] == "http" and is_console(scope["path"]):
            await self.console(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def create_app(
    settings: Settings,
    *,
    database: Database,
    background: Sequence[Part] = (),
    starter: Starter | None = None,
    schedules: CheckSchedules | None = None,
    accounts: Accounts | None = None,
) -> Application:
    """The API over a migrated database; `background` runs beside it (the embedded intake) until the event is set.

    `starter` and `schedules` reach Temporal, `accounts` reaches Meta: without them intake alone starts onboardings, and
    what cannot do without is refused as unavailable.

    Raises:
        SettingsError: there is no app secret, or no key for hashes or seals: neither webhooks nor API keys could be
            checked, nor a code be kept.
    """
    keyed_hash = KeyedHash.parse(settings.sealing.hash_key.get_secret_value())
    report = partial(_report, database)
    # Connections of its own: a webhook never waits for one behind management requests.
    log_database = Database.connect(
        settings.database.url.get_secret_value(), pool_size=2, application="holdfast webhook"
    )
    commits = GroupCommit(
        partial(webhook_log.append, log_database),
        patience=settings.api.webhook_commit_timeout,
        max_queued_bytes=settings.api.webhook_queued_bytes,
    )
    ring = KeyRing.parse([key.get_secret_value() for key in settings.sealing.keys])
    missed, wakes = MissedWebhooks(database), Wakes(starter, report)
    unsubscriptions = Unsubscriptions(database, ring, accounts)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.uploads = Uploads(database, ObjectStore.open(settings.media.url))
        async with listening(database), running([missed.run, unsubscriptions.run, *background], report):
            yield
        await wakes.drain()
        await commits.drain()
        await log_database.close()

    app = Application(
        title="Holdfast", version="1", description=_DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.webhook = Webhook(rules_of(settings), commits, missed=missed.note)
    state = app.state
    state.settings, state.database, state.keyed_hash = settings, database, keyed_hash
    state.ring, state.wakes, state.unsubscriptions = ring, wakes, unsubscriptions
    state.schedules, state.accounts, state.template_readings = schedules, accounts, Readings()
    state.pasted_tokens = PastedTokens(accounts, settings.meta.app_id)
    state.stopping, state.strangers = asyncio.Event(), RefusalThrottle(settings.api.webhook_refusals_per_minute)
    state.api_keys = ApiKeys(database, keyed_hash)
    state.verify_tokens = challenge.VerifyTokens(settings, database, keyed_hash)
    state.checks = {"database": health.database_check(database), "temporal": health.temporal_check(settings.temporal)}
    app.console = create_console(
        settings, database=database, keyed_hash=keyed_hash, ring=ring, api=state, report=report
    )
    app.router.routes.extend(rooms.ROUTES)
    docs.install_files(app)
    problems.install(app, report)
    app.add_middleware(SecurityHeaders)
    return app


async def _report(database: Database, error: BaseException) -> UUID:
    return await error_reports.record(database, where="api", error=error)
