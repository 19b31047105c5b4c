import asyncio
import gc
import io
import json
import logging
from collections.abc import Iterator
from urllib.request import urlopen
from uuid import UUID

import pytest
import structlog

import telemetry
from tests.logs import logged

CANARY = "canary-4711"
TOKEN = "EAAG1234567890abcdef"


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    with logged() as written:
        yield written


def events(lines: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in lines.getvalue().splitlines()]


def test_an_event_keeps_its_name_and_fields(lines: io.StringIO) -> None:
    message_id = UUID(int=7)
    structlog.get_logger().info("message.sent", message_id=message_id, attempt=2, phone_number_id="1055")
    [event] = events(lines)
    assert event.pop("timestamp")
    assert event == {
        "event": "message.sent",
        "level": "info",
        "message_id": str(message_id),
        "attempt": 2,
        "phone_number_id": "1055",
    }


@pytest.mark.parametrize(
    "name", ["token", "access_token", "app_secret", "Authorization", "body", "text", "content", "phone_number", "pin"]
)
def test_a_field_with_a_forbidden_name_is_never_written_however_deep_it_lies(lines: io.StringIO, name: str) -> None:
    structlog.get_logger().info("e", **{name: CANARY}, inner={"list": [{name: CANARY}]}, n=1)
    assert CANARY not in lines.getvalue()
    assert events(lines)[0]["n"] == 1


@pytest.mark.parametrize(
    "secret",
    [
        TOKEN,
        f"Bearer {CANARY}",
        f"https://graph.example/1/messages?access_token={CANARY}&appsecret_proof={CANARY}",
        f"hf_0123456789ab_{CANARY}",
        f"whsec_{CANARY}",
    ],
)
def test_a_secret_in_a_librarys_sentence_is_cut_out(lines: io.StringIO, secret: str) -> None:
    logging.getLogger("some.library").error("request failed: %s, retrying", secret)
    assert CANARY not in lines.getvalue()
    assert TOKEN not in lines.getvalue()
    assert "retrying" in lines.getvalue()


def _fail() -> None:
    try:
        {"other": 1}[CANARY]
    except KeyError as error:
        raise ValueError(CANARY) from error


def test_an_exception_is_written_as_types_and_places_without_its_message(lines: io.StringIO) -> None:
    for log in (structlog.get_logger(), logging.getLogger("library")):
        try:
            _fail()
        except ValueError:
            log.exception("work.failed")
    assert CANARY not in lines.getvalue()
    for event in events(lines):
        trace = event["trace"]
        assert isinstance(trace, list)
        assert trace[0] == "builtins.ValueError"
        assert "builtins.KeyError" in trace
        assert any(line.endswith("_fail") for line in trace)


def test_an_error_given_as_a_field_shows_its_type_only(lines: io.StringIO) -> None:
    structlog.get_logger().warning("e", error=ValueError(CANARY))
    assert events(lines)[0]["error"] == "ValueError"


async def test_a_task_that_nobody_awaited_does_not_tell_its_message(lines: io.StringIO) -> None:
    async def fail() -> None:
        raise ValueError(CANARY)

    task = asyncio.create_task(fail())
    await asyncio.wait([task])
    del task
    gc.collect()
    [event] = [event for event in events(lines) if event["level"] == "error"]
    assert event["event"] == "Task exception was never retrieved"
    assert CANARY not in lines.getvalue()


@pytest.mark.parametrize("name", ["httpx", "httpcore.connection", "sqlalchemy.engine", "uvicorn.access"])
def test_libraries_that_write_what_we_may_not_are_quiet(lines: io.StringIO, name: str) -> None:
    logging.getLogger(name).info("GET https://graph.example/?secret=%s", CANARY)
    assert lines.getvalue() == ""


def test_a_level_below_the_setting_is_not_written(lines: io.StringIO) -> None:
    written = io.StringIO()
    telemetry.configure("warning", "console", stream=written)
    structlog.get_logger().info("quiet")
    logging.getLogger("library").info("quiet")
    structlog.get_logger().warning("loud", attempt=1)
    assert "quiet" not in written.getvalue() + lines.getvalue()
    assert "loud" in written.getvalue()


def test_metrics_are_served_to_whoever_scrapes_and_the_port_is_given_back() -> None:
    from cli.ports import free_port, is_free

    port = free_port()
    stop = telemetry.serve_metrics(port)
    with urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5) as answer:
        assert b"holdfast_claims_not_queued_total " in answer.read()
    stop()
    assert is_free(port)


def test_a_message_with_no_value_is_left_as_it_is() -> None:
    assert telemetry.redact({"count": 3, "ok": True, "why": None}) == {"count": 3, "ok": True, "why": None}
    assert telemetry.redact(b"12345") == "[5 bytes]"
