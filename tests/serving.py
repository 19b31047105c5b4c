"""Apps over real HTTP in the test's own event loop, up and down as fast as they can be."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvicorn

_LONGEST = 10.0


@asynccontextmanager
async def serving(server: uvicorn.Server, *, port: int = 0) -> AsyncIterator[str]:
    """Run a server that was made but not started; gives its address.

    As its own `serve()`, without the tenth of a second for which that sleeps at each of its turns and at its end.
    """
    config = server.config
    # The protocol is named: asyncio turns Nagle's delay (40 ms an answer) off only for sockets that say they are TCP.
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup([listener])
        assert not server.should_exit, "the app did not start"
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            await _stop(server)


async def _stop(server: uvicorn.Server) -> None:
    getattr(server, "_on_stop", lambda: None)()
    for listening in server.servers:
        listening.close()
    for connection in list(server.server_state.connections):
        connection.shutdown()
    async with asyncio.timeout(_LONGEST):
        while server.server_state.connections or server.server_state.tasks:  # noqa: ASYNC110 - uvicorn tells nobody
            await asyncio.sleep(0.002)
    await server.lifespan.shutdown()
