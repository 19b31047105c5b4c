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
    """A port of 127.0.0.1 that nothing listens on, and that no other run of ours is given while this process lives."""
    while True:
        port = random.choice(_RANGE)  # noqa: S311 - chance spreads parallel runs, it keeps no secret
        if is_free(port) and _is_ours(port):
            return port


def _is_ours(port: int) -> bool:
    """Reserve it for this process: what is to listen there may start seconds later. Parts speak TCP, so UDP is free."""
    reservation = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        reservation.bind(("127.0.0.1", port))
    except OSError:
        reservation.close()
        return False
    reservation.detach()  # stays bound for as long as the process lives, whoever forgets it
    return True
