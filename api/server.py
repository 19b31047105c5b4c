"""How the API is served: one place for uvicorn's options, so that the bench compares like with like."""

import socket
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp


class _Server(uvicorn.Server):
    """Tells when it stops, before it waits for the answers that are still being given: some would never end."""

    def __init__(self, config: uvicorn.Config, *, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._on_stop()
        await super().shutdown(sockets)


def server(
    app: ASGIApp,
    *,
    host: str,
    port: int,
    trusted_proxies: str = "127.0.0.1",
    on_stop: Callable[[], None] = lambda: None,
) -> uvicorn.Server:
    """Make a server that is not running yet; its `serve()` runs it until a signal ends it.

    `trusted_proxies` are the addresses whose X-Forwarded-For is believed, separated by commas. `on_stop` is called when
    it takes no new requests and before it waits for those that it has: streams end by it.
    """
    return _Server(
        uvicorn.Config(
            app,
            host=host,
            port=port,
            loop="uvloop",
            http="httptools",
            lifespan="on",
            access_log=False,
            log_config=None,
            server_header=False,
            forwarded_allow_ips=trusted_proxies,
            # Longer than Meta's connections rest between deliveries: closing one as it is used again loses a request.
            timeout_keep_alive=75,
            timeout_graceful_shutdown=10,
        ),
        on_stop=on_stop,
    )
