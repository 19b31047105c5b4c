"""`holdfast doctor`: settings and connections, each checked and said in words."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta

from rich.console import Console

from settings import Settings
from store.errors import HoldfastError

console = Console(soft_wrap=True, highlight=False)
Check = Callable[[Settings], Awaitable[str]]


class UnwellError(Exception):
    """A check failed; the message says what is wrong and what to do."""


def run(settings: Settings) -> int:
    """Run every check; 0 if all are well, else 1."""
    return asyncio.run(_all(settings))


async def _all(settings: Settings) -> int:
    results = [await _one(name, check, settings) for name, check in _CHECKS.items()]
    # Temporal's SDK crashes an interpreter that ends in the very moment a connection has failed (seen in 2 of 6 runs).
    await asyncio.sleep(0.2)
    return 0 if all(results) else 1


async def _one(name: str, check: Check, settings: Settings) -> bool:
    try:
        said = await check(settings)
    except UnwellError as error:
        console.print(f"[red]✗[/red] {name}: {error}")
        return False
    except HoldfastError as error:
        console.print(f"[red]✗[/red] {name}: {error.detail}. {error.next_step}")
        return False
    console.print(f"[green]✓[/green] {name}: {said}")
    return True


async def _meta(settings: Settings) -> str:
    meta = settings.meta
    if not meta.app_secret.get_secret_value():
        raise UnwellError("META_APP_SECRET is empty; take it from the app's dashboard (App settings, Basic)")
    rotating = ", two secrets are valid" if meta.app_secret_previous.get_secret_value() else ""
    app = await _app(settings) if meta.app_id else "META_APP_ID is empty, so nothing was asked of Meta"
    return f"app secret set{rotating}; Graph {meta.graph_version} at {meta.graph_url}; {app}"


async def _app(settings: Settings) -> str:
    """Whether Meta takes our app's id and secret together, and sends the app's webhooks here."""
    import egress
    from activities.checks import judging
    from cli.roles import accounts_of
    from whatsapp.calls import Refused
    from workers.control import CALLBACK_PATHS

    async with egress.graph_client(max_connections=1) as client:
        told = await accounts_of(settings, client).app_subscriptions()
    if isinstance(told, Refused):
        raise UnwellError(
            f"Meta does not accept META_APP_ID and META_APP_SECRET together (code {told.code}); compare both with the "
            "app's dashboard (App settings, Basic)"
        )
    if not isinstance(told, list):
        raise UnwellError(f"{settings.meta.graph_url} does not answer ({told.reason}); check META_GRAPH_URL")
    callbacks = [settings.console.public_url.rstrip("/") + path for path in CALLBACK_PATHS]
    wrong = judging.app(told, callbacks, coexistence=False)
    if wrong:
        raise UnwellError(" ".join(f"{found.says} {found.next_step}" for found in wrong))
    return f"app {settings.meta.app_id} is known there and its webhooks come here"


async def _sealing(settings: Settings) -> str:
    from store.hashing import KeyedHash
    from store.sealing import KeyRing

    ring = KeyRing.parse([key.get_secret_value() for key in settings.sealing.keys])
    KeyedHash.parse(settings.sealing.hash_key.get_secret_value())
    return f"{len(ring.keys)} key(s), sealing with {ring.sealing_key_id}; hash key set"


async def _postgres(settings: Settings) -> str:
    import asyncpg
    from sqlalchemy import text
    from sqlalchemy.exc import SQLAlchemyError

    from store.engine import Database

    database = Database.connect(settings.database.url.get_secret_value(), pool_size=1)
    try:
        async with database.transaction() as connection:
            version = int(await connection.scalar(text("SELECT current_setting('server_version_num')")))
            there = await connection.scalar(text("SELECT to_regclass('alembic_version') IS NOT NULL"))
            durable = await connection.scalar(text("SELECT current_setting('synchronous_commit')"))
    except (OSError, SQLAlchemyError, asyncpg.PostgresError, TimeoutError) as error:
        place = database.engine.url.render_as_string(hide_password=True)
        raise UnwellError(f"{place} does not answer ({type(error).__name__}); check DATABASE_URL") from None
    finally:
        await database.close()
    if version < _OLDEST_POSTGRES:
        raise UnwellError(f"the server is version {version // 10_000}; 15 or newer is needed")
    if not there:
        raise UnwellError("the database is empty; run `holdfast migrate`")
    if durable == "off":
        raise UnwellError("synchronous_commit is off: a webhook could be answered and then lost; switch it on")
    return f"version {version // 10_000}, schema there, commits are durable"


async def _temporal(settings: Settings) -> str:
    from temporalio.service import RPCError

    from workflows.client import connect
    from workflows.contracts import SEARCH_ATTRIBUTES

    temporal = settings.temporal
    try:
        client = await connect(temporal)
        await client.count_workflows(f"{SEARCH_ATTRIBUTES[0].name} = 'none'", rpc_timeout=_RPC_TIMEOUT)
    except RPCError as error:
        raise UnwellError(
            f"namespace {temporal.namespace} does not have our search attributes or is not there ({error.message}); "
            "docs/operations.md says how to make them"
        ) from None
    except RuntimeError:
        raise UnwellError(f"{temporal.address} does not answer; check TEMPORAL_ADDRESS and TEMPORAL_TLS") from None
    return f"{temporal.address}, namespace {temporal.namespace}"


_RPC_TIMEOUT = timedelta(seconds=5)
_OLDEST_POSTGRES = 150_000
_CHECKS: dict[str, Check] = {"Meta": _meta, "Sealing": _sealing, "Postgres": _postgres, "Temporal": _temporal}
