"""The HTTP edge, put together: Meta's door first, then the management API. Wiring only."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from uuid import UUID

from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from api import challenge, conversations, docs, health, messages, numbers, problems
from api.auth import ApiKeys
from api.background import MissedWebhooks, Part, running
from api.group_commit import GroupCommit
from api.webhook import PATHS, Webhook, WebhookRules
from settings import Settings
from store import error_reports, webhook_log
from store.api_processes import listening
from store.engine import Database
from store.errors import SettingsError
from store.hashing import KeyedHash

_DESCRIPTION = """
Sends WhatsApp messages and tells what became of each. Every request carries `Authorization: Bearer hf_…`; every refusal
is a problem (RFC 9457) that says what to do. Lists come in pages: pass `next_cursor` as `cursor` until it is null.
"""


class Application(FastAPI):
    """FastAPI with Meta's door before its layers: a webhook needs no routing, validation or middleware."""

    webhook: Webhook

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Take a webhook, or pass the request on."""
        if scope["type"] == "http" and scope["method"] == "POST" and scope["path"] in PATHS:
            await self.webhook(scope, receive, send)
            return
        await super().__call__(scope, receive, send)


def create_app(settings: Settings, *, database: Database, background: Sequence[Part] = ()) -> Application:
    """The API over a migrated database; `background` runs beside it (the embedded intake) until the event is set.

    Raises:
        SettingsError: there is no app secret, or no key for hashes: webhooks and API keys could not be checked.
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
    missed = MissedWebhooks(database)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with listening(database), running([missed.run, *background], report):
            yield
        await commits.drain()
        await log_database.close()

    app = Application(
        title="Holdfast", version="1", description=_DESCRIPTION, lifespan=lifespan, docs_url=None, redoc_url=None
    )
    app.webhook = Webhook(_rules(settings), commits, missed=missed.note)
    app.state.database = database
    app.state.api_keys = ApiKeys(database, keyed_hash)
    app.state.verify_tokens = challenge.VerifyTokens(settings, database, keyed_hash)
    app.state.checks = {
        "database": health.database_check(database),
        "temporal": health.temporal_check(settings.temporal),
    }
    for room in (challenge, messages, conversations, numbers, health, docs):
        app.include_router(room.router)
    docs.install_files(app)
    problems.install(app, report)
    return app


def _rules(settings: Settings) -> WebhookRules:
    secrets = (settings.meta.app_secret, settings.meta.app_secret_previous)
    valid = [secret.get_secret_value().encode() for secret in secrets if secret.get_secret_value()]
    if not settings.meta.app_secret.get_secret_value():
        raise SettingsError(
            "META_APP_SECRET is empty: webhooks could not be told from forgeries.",
            next_step="Set META_APP_SECRET to the app's secret (Meta's dashboard, App settings, Basic).",
        )
    return WebhookRules(valid, settings.api.webhook_max_bytes, settings.api.webhook_refusals_per_minute)


async def _report(database: Database, error: BaseException) -> UUID:
    return await error_reports.record(database, where="api", error=error)
