"""What the processes say about themselves: logs as events, metrics in one registry, the one list of what is redacted.

Logs go to stderr, one event per line. Exceptions are written as their types and places in the code: their messages
carry values (a parameter, a URL, a body), and values never leave. Each metric has a heading in docs/metrics.md.
"""

import logging
import re
import sys
import traceback
from collections.abc import Callable, Mapping
from typing import Any, Final, TextIO

import orjson
import structlog
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    ProcessCollector,
    disable_created_metrics,
    start_http_server,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest
from structlog.typing import EventDict, ExcInfo, Processor, WrappedLogger

# --- What is redacted -------------------------------------------------------------------------------------------------

REDACTED: Final = "[redacted]"
REDACTED_WORDS: Final = frozenset(
    {
        *("token", "secret", "authorization", "password", "pin", "key", "keys", "cookie", "signature", "proof"),
        *("body", "text", "content", "caption", "payload", "raw", "url", "query"),
        *("phone", "wa", "bsuid", "username", "profile", "email"),
    }
)
"""A field whose name has one of these words (split at `_`) is never written, whatever it holds."""
ALLOWED_NAMES: Final = frozenset({"phone_number_id", "token_type", "body_bytes", "key_id"})
"""Names that have such a word and only ever hold an id, a kind or a size."""
_SECRET_SHAPES: Final = re.compile(
    r"EAA[A-Za-z0-9]{8,}|hf_[0-9a-f]+_[\w-]+|whsec_[\w+/=-]+|(?i:bearer)\s+\S+"
    r"|(?i:access_token|appsecret_proof|verify_token|client_secret)=[^&\s\"']+"
)
"""Meta's tokens, our API keys, agents' secrets, tokens in URLs: cut out of every string, a library's included."""
_MOST_LINES: Final = 200


def redact(value: Any, name: str = "") -> Any:
    """What may be written of a field: the value, `[redacted]`, or the same with its inner fields treated alike."""
    if name not in ALLOWED_NAMES and not REDACTED_WORDS.isdisjoint(name.lower().split("_")):
        return REDACTED
    match value:
        case str():
            written: Any = _SECRET_SHAPES.sub(REDACTED, value)
        case BaseException():
            written = type(value).__qualname__
        case bytes() | bytearray() | memoryview():
            written = f"[{len(value)} bytes]"
        case Mapping():
            written = {str(key): redact(inner, str(key)) for key, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            written = [redact(inner) for inner in value]
        case _:
            written = value
    return written


def places(error: BaseException) -> list[str]:
    """An exception and what caused it as lines without a single value: types, and where in the code they passed."""
    lines: list[str] = []
    seen: BaseException | None = error
    while seen is not None and len(lines) < _MOST_LINES:
        lines.append(f"{type(seen).__module__}.{type(seen).__qualname__}")
        frames = traceback.extract_tb(seen.__traceback__)
        lines += [f"  {frame.filename}:{frame.lineno} {frame.name}" for frame in frames]
        seen = seen.__cause__ or (None if seen.__suppress_context__ else seen.__context__)
    return lines


# --- Logs -------------------------------------------------------------------------------------------------------------

# These write what we may not (URLs, parameters, bodies) or a line per request.
QUIET_LIBRARIES: Final = ("httpx", "httpcore", "aiohttp", "sqlalchemy", "asyncpg", "uvicorn.access", "alembic")


def configure(level: str, format: str, *, stream: TextIO | None = None) -> None:  # noqa: A002 - the setting's own name
    """Set up logging for this process, libraries' included; call it once, in `main()`.

    `format` is `json` (one object per line) or `console`.
    """
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _errors_as_places,
        _redact_fields,
    ]
    renderer: Processor = structlog.processors.JSONRenderer(serializer=_dumps)
    if format == "console":
        renderer = structlog.dev.ConsoleRenderer(colors=(stream or sys.stderr).isatty())
    threshold = logging.getLevelNamesMapping()[level.upper()]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=stream or sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, _first_line, *shared],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
            use_get_message=True,
        )
    )
    logging.basicConfig(handlers=[handler], level=threshold, force=True)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(threshold, logging.WARNING))


def _dumps(event: EventDict, **_: Any) -> str:
    return orjson.dumps(event, default=str, option=orjson.OPT_NON_STR_KEYS).decode()


def _first_line(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # asyncio puts the repr of a failed task, with its exception's message, on the lines that follow.
    event["event"] = str(event["event"]).partition("\n")[0]
    return event


def _errors_as_places(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    error = _error_of(event.pop("exc_info", None))
    if error is not None:
        event["trace"] = places(error)
    return event


def _error_of(info: "ExcInfo | BaseException | bool | None") -> BaseException | None:
    if isinstance(info, BaseException):
        return info
    if isinstance(info, tuple):
        return info[1]
    return sys.exc_info()[1] if info else None


def _redact_fields(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    # structlog keeps the record it came from under names with an underscore, until its last processor.
    return {name: value if name.startswith("_") else redact(value, name) for name, value in event.items()}


# --- Metrics ----------------------------------------------------------------------------------------------------------

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second series per counter that nobody reads
REGISTRY: Final = CollectorRegistry()
ProcessCollector(registry=REGISTRY)


def _counter(name: str, meaning: str, *labels: str) -> Counter:
    return Counter(f"holdfast_{name}", meaning, labels, registry=REGISTRY)


def _gauge(name: str, meaning: str, *labels: str) -> Gauge:
    return Gauge(f"holdfast_{name}", meaning, labels, registry=REGISTRY)


def _histogram(name: str, meaning: str, *buckets: float) -> Histogram:
    return Histogram(f"holdfast_{name}", meaning, buckets=buckets, registry=REGISTRY)


webhook_acks = _counter("webhook_acks", "Webhook bodies answered 200, their bytes on disk.")
webhook_refusals = _counter("webhook_refusals", "Webhook requests not answered 200, by reason.", "reason")
webhook_ack_seconds = _histogram(
    "webhook_ack_seconds",
    "From a webhook's last byte to its answer 200.",
    *(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 1.5),
)
webhook_commit_bodies = _histogram(
    "webhook_commit_bodies", "Bodies that shared one commit.", *(1, 2, 4, 8, 16, 32, 64, 128, 256)
)
webhook_gaps = _counter("webhook_gaps", "Recorded stretches in which a webhook may have been missed.", "reason")
intake_items = _counter("intake_items", "Items of webhook bodies, by outcome.", "outcome")
intake_lag_seconds = _gauge("intake_lag_seconds", "Age of the oldest stored body that is not processed.")
nudges = _counter("nudges", "Signals to conversation workflows, by result.", "result")
due_age_seconds = _gauge("due_age_seconds", "Age of the oldest conversation that is due and not looked at.")
turns = _counter("turns", "Turns begun, by the state they begin in.", "state")
claims_not_queued = _counter("claims_not_queued", "Claims that found a row not queued: a repeat that did no harm.")
sends = _counter("sends", "Posts to Meta, by recorded outcome.", "outcome")
slots_missed = _counter("slots_missed", "Messages that left too late for their slot and took another.")
posts_put_off = _counter("posts_put_off", "Messages that waited since their number had too many at Meta already.")
posts_in_flight = _gauge("posts_in_flight", "Posts to Meta under way in this process.")
read_receipts = _counter("read_receipts", "Read receipts with typing indicator, by result.", "result")
files_moved = _counter("files_moved", "Files moved between Meta and where they are kept, by what came of it.", "result")
event_deliveries = _counter("event_deliveries", "Attempts to deliver events to businesses, by result.", "result")
number_checks = _counter("number_checks", "Checks of numbers, by outcome.", "outcome")
management_usage = _gauge("management_usage", "Percent of Meta's limit on management calls that is used.", "limit")
management_calls_put_off = _counter("management_calls_put_off", "Calls not made, for Meta's limits.")
number_holds = _counter("number_holds", "Numbers held or stopped for an error of Meta's, by reason.", "reason")
app_secret_refusals = _counter(
    "app_secret_refusals", "Proofs by an app secret that Meta refused, by what came of it.", "result"
)
error_reports = _counter("error_reports", "Unexpected errors reported, by place.", "where")

METRICS_CONTENT_TYPE: Final = CONTENT_TYPE_LATEST


def render_metrics() -> bytes:
    """The text of /metrics."""
    return generate_latest(REGISTRY)


def serve_metrics(port: int, *, host: str = "127.0.0.1") -> Callable[[], None]:
    """Serve /metrics of a process that has no HTTP server of its own, from a thread; the answer stops it.

    Raises:
        OSError: the port is taken.
    """
    server, thread = start_http_server(port, addr=host, registry=REGISTRY)

    def stop() -> None:
        server.shutdown()
        server.server_close()
        thread.join()

    return stop
