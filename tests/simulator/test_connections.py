"""What a caller meets on its connection: answers that never come, and connections that close under a request."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

import httpx
import pytest

from tests.simulator.stage import CUSTOMER, NUMBER, TOKEN, Simulated

_BODY = b'{"messaging_product": "whatsapp", "to": "+%s", "text": {"body": "hello"}}' % CUSTOMER.encode()
_HEAD = b"POST /v26.0/%s/messages HTTP/1.1\r\nHost: graph\r\nContent-Length: %d\r\n" % (NUMBER.encode(), len(_BODY))
_REQUEST = _HEAD + b"Authorization: Bearer %s\r\n\r\n" % TOKEN.encode() + _BODY


@contextlib.asynccontextmanager
async def _connected(simulator: Simulated) -> AsyncIterator[tuple[asyncio.StreamReader, asyncio.StreamWriter]]:
    """A bare connection, on which bytes can be told from an end and an end from a reset."""
    address = urlsplit(str(simulator.graph.base_url))
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    yield reader, writer
    writer.close()


async def _accepted(simulator: Simulated) -> int:
    return int((await simulator.client.account())["accepted"])


@pytest.mark.parametrize("count", [1, 0], ids=["accepted", "not accepted"])
async def test_a_half_closed_connection_ends_without_a_byte_and_without_a_reset(
    simulator: Simulated, count: int
) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("half_close", accepted=count == 1, count=1)
    async with _connected(simulator) as (reader, writer):
        writer.write(_REQUEST)
        assert await reader.read() == b""
        writer.write(b"x")  # the other direction is open
        await writer.drain()
    assert await _accepted(simulator) == count
    assert (await simulator.send()).status_code == 200


async def test_a_half_closed_connection_is_a_lost_answer_to_a_client(simulator: Simulated) -> None:
    await simulator.client.add_fault("half_close", count=1)
    with pytest.raises(httpx.RemoteProtocolError):
        await simulator.send()
    account = await simulator.client.account(lists=True)
    assert [message["answer"] for message in account["accepted_messages"]] == ["half_close"]


async def test_a_request_into_a_connection_that_is_being_closed_is_lost_unread(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("close_idle", count=1, seconds=0.1)
    async with _connected(simulator) as (reader, writer):
        writer.write(_REQUEST)
        assert (await reader.readuntil(b"\r\n")).startswith(b"HTTP/1.1 200")
        began = time.perf_counter()
        writer.write(_REQUEST)
        with contextlib.suppress(ConnectionResetError):
            assert b"HTTP/1.1" not in await reader.read()
        assert time.perf_counter() - began > 0.05
    assert await _accepted(simulator) == 1
    rows = (await simulator.client.account(lists=True))["accepted_messages"]
    assert rows[0]["answer"] == "close_idle"


async def test_a_pool_writes_into_the_connection_that_is_being_closed(simulator: Simulated) -> None:
    await simulator.client.add_fault("close_idle", count=1, seconds=0.2)
    assert (await simulator.send()).status_code == 200
    with pytest.raises(httpx.TransportError):
        await simulator.send()
    assert await _accepted(simulator) == 1
    assert (await simulator.send()).status_code == 200


async def test_a_caller_that_left_before_the_answer_heard_nothing(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    await simulator.client.add_fault("slow", seconds=0.15, count=1)
    await simulator.client.add_fault("withhold", count=1)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await simulator.send(biz_opaque_callback_data="m1.1")
    await asyncio.sleep(0.2)
    account = await simulator.client.account(lists=True)
    assert account["accepted_messages"][0]["answer"] == "unheard"
    assert (account["withheld_ids"], account["untold_ids"]) == (["m1"], ["m1"])


async def test_a_read_receipt_that_was_lost_before_it_was_taken_is_not_counted(simulator: Simulated) -> None:
    await simulator.client.add_fault("drop", call="read", accepted=False, count=1)
    read = {"messaging_product": "whatsapp", "status": "read", "message_id": "wamid.1"}
    with pytest.raises(httpx.TransportError):
        await simulator.post(read)
    assert (await simulator.client.account())["reads"] == 0
