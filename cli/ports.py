"""Free ports on the loopback interface, and words for a taken one."""

import random
import socket

# Below the range from which Linux (32768) and macOS (49152) take the ports of outgoing connections: the port of a part
# that is being restarted cannot be taken meanwhile by somebody's client.
_RANGE = range(20_000, 32_000)


def is_free(port: int) -> bool:
    """Whether something could listen on the port of 127.0.0.1 now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port() -> int:
    """A port of 127.0.0.1 that nothing listens on."""
    while True:
        port = random.choice(_RANGE)  # noqa: S311 - chance spreads parallel runs, it keeps no secret
        if is_free(port):
            return port
