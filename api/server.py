"""How the API is served: one place for uvicorn's options, so that the bench compares like with like."""

import uvicorn
from starlette.types import ASGIApp


def server(app: ASGIApp, *, host: str, port: int, trusted_proxies: str = "127.0.0.1") -> uvicorn.Server:
    """Make a server that is not running yet; its `serve()` runs it until a signal ends it.

    `trusted_proxies` are the addresses whose X-Forwarded-For is believed, separated by commas.
    """
    return uvicorn.Server(
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
        )
    )
