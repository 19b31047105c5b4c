"""LISTEN on a connection of its own, outside the pool, until told to stop; a lost one is replaced."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import asyncpg
import structlog
from sqlalchemy.engine import URL

from store.engine import DATABASE_ERRORS, Database

log = structlog.get_logger(__name__)

_CONNECT_SECONDS = 5.0
_CHECK = timedelta(seconds=15)
"""A connection that is gone without a word is noticed this late; who listens looks by itself every second meanwhile."""
_RETRY = timedelta(seconds=1)


async def listen(database: Database, wakes: Mapping[str, Callable[[], None]]) -> None:
    """Call a channel's function at each of its notifications, and all of them after each (re)connect. Never returns.

    What was notified while no connection was there is not told: hence the calls after a reconnect. Ends by being
    cancelled.
    """
    lost = False
    while True:
        try:
            connection = await asyncpg.connect(
                **_arguments(database.engine.url), timeout=_CONNECT_SECONDS, command_timeout=_CONNECT_SECONDS
            )
        except DATABASE_ERRORS as error:
            if not lost:
                log.warning("listen.lost", error=type(error).__name__)
            lost = True
            await asyncio.sleep(_RETRY.total_seconds())
            continue
        if lost:
            log.info("listen.restored")
        lost = await _stay(connection, wakes)


async def _stay(connection: "asyncpg.Connection[Any]", wakes: Mapping[str, Callable[[], None]]) -> bool:
    """Listen until the connection is lost; returns True then."""
    ended = asyncio.Event()
    connection.add_termination_listener(lambda _: ended.set())
    try:
        for channel, wake in wakes.items():
            await connection.add_listener(channel, _caller(wake))
        for wake in wakes.values():
            wake()
        while not ended.is_set():
            try:
                async with asyncio.timeout(_CHECK.total_seconds()):
                    await ended.wait()
            except TimeoutError:
                await connection.execute("SELECT 1")
    except DATABASE_ERRORS as error:
        log.warning("listen.lost", error=type(error).__name__)
    else:
        log.warning("listen.lost", error="terminated")
    finally:
        connection.terminate()
    return True


def _caller(wake: Callable[[], None]) -> Callable[..., None]:
    def notified(*_: object) -> None:
        wake()

    return notified


def _arguments(url: URL) -> dict[str, Any]:
    named: dict[str, Any] = url.translate_connect_args(username="user")
    return named | dict(url.query) | {"server_settings": {"application_name": "holdfast-listen"}}
