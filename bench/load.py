"""A load generator for webhooks that costs little: raw sockets, requests built beforehand, one process of its own.

    python -m bench.load PORT SECONDS [CONNECTIONS]

Each connection posts one signed body after the other and waits for each answer. Prints one JSON object.
"""

import asyncio
import json
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import cycle
from typing import cast

import uvloop

from whatsapp.signature import sign

_BODIES = 20_000
_MOST_PER_S = 10_000
"""More than any server in Python answers: so many bodies are made for each second, up to those above."""
_CUSTOMERS = 1000
_RUN = time.time_ns()


@dataclass(slots=True)
class Tally:
    """What the answers were, with the time each took in seconds."""

    statuses: Counter[int] = field(default_factory=Counter)
    seconds: list[float] = field(default_factory=list)
    until: float = 0.0


class _Client(asyncio.Protocol):
    """One keep-alive connection: an answer's end sends the next request."""

    def __init__(self, requests: Iterator[bytes], tally: Tally) -> None:
        self._requests = requests
        self._tally = tally
        self._answer = b""
        self._began = 0.0
        self.ended = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no asyncio.Transport, though they behave as one.
        self._transport = cast("asyncio.Transport", transport)
        self._send()

    def data_received(self, data: bytes) -> None:
        self._answer += data
        if not _complete(self._answer):
            return
        self._tally.seconds.append(time.perf_counter() - self._began)
        self._tally.statuses[int(self._answer[9:12])] += 1
        self._answer = b""
        if time.perf_counter() < self._tally.until:
            self._send()
        else:
            self._transport.close()

    def connection_lost(self, exc: Exception | None) -> None:
        if exc is not None:
            self._tally.statuses[0] += 1
        if not self.ended.done():
            self.ended.set_result(None)

    def _send(self) -> None:
        self._began = time.perf_counter()
        self._transport.write(next(self._requests))


def _complete(answer: bytes) -> bool:
    head, end, body = answer.partition(b"\r\n\r\n")
    if not end:
        return False
    length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
    return len(body) >= int(length or 0)


def body(number: int) -> bytes:
    """A text message as Meta posts it, about 600 bytes, with a wamid of its own; customers write again and again."""
    customer = f"3161{number % _CUSTOMERS:07d}"
    message = {
        "from": customer,
        "id": f"wamid.bench{_RUN:x}{number:016d}",
        "timestamp": str(int(time.time())),
        "type": "text",
        "text": {"body": "Good morning, is my order already on its way? It should have come yesterday."},
    }
    value = {
        "messaging_product": "whatsapp",
        "metadata": {"display_phone_number": "31201234567", "phone_number_id": "106540352242922"},
        "contacts": [{"profile": {"name": "Bench"}, "wa_id": customer, "user_id": f"NL.{number % _CUSTOMERS:016d}"}],
        "messages": [message],
    }
    entry = {"id": "102290129340398", "changes": [{"field": "messages", "value": value}]}
    return json.dumps({"object": "whatsapp_business_account", "entry": [entry]}).encode()


def requests(secret: bytes, *, count: int) -> list[bytes]:
    """Whole HTTP requests, signed."""
    made = []
    for number in range(count):
        content = body(number)
        made.append(
            b"POST /api/v1/webhooks/whatsapp HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"X-Hub-Signature-256: %s\r\nContent-Length: %d\r\n\r\n%s"
            % (sign(content, secret).encode(), len(content), content)
        )
    return made


async def load(port: int, seconds: float, connections: int, secret: bytes) -> dict[str, object]:
    """Post for so long and say what came back: answers per second, latencies in milliseconds, statuses."""
    ready = cycle(requests(secret, count=min(_BODIES, round(_MOST_PER_S * seconds))))
    tally = Tally(until=time.perf_counter() + seconds)
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = [
        (await loop.create_connection(lambda: _Client(ready, tally), "127.0.0.1", port))[1] for _ in range(connections)
    ]
    await asyncio.wait([client.ended for client in clients])
    took = time.perf_counter() - began
    ordered = sorted(tally.seconds)
    return {
        "per_s": tally.statuses[200] / took,
        "p50_ms": ordered[len(ordered) // 2] * 1000,
        "p99_ms": ordered[len(ordered) * 99 // 100] * 1000,
        "statuses": dict(tally.statuses),
    }


if __name__ == "__main__":
    connections = int(sys.argv[3]) if len(sys.argv) > 3 else 64  # noqa: PLR2004 - the third argument
    found = load(int(sys.argv[1]), float(sys.argv[2]), connections, os.environ["META_APP_SECRET"].encode())
    print(json.dumps(uvloop.run(found)))
