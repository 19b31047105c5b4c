"""What a process logs while a test looks: logging is set up as in production, and put back afterwards."""

import io
import logging
from collections.abc import Iterator
from contextlib import contextmanager

import structlog

import telemetry


@contextmanager
def logged() -> Iterator[io.StringIO]:
    """What this process logs meanwhile, from debug on, as JSON lines."""
    root, written = logging.getLogger(), io.StringIO()
    before = (root.handlers[:], root.level)
    telemetry.configure("debug", "json", stream=written)
    # A logger that kept this stream would write into it for the rest of the run: later tests would see nothing.
    structlog.configure(cache_logger_on_first_use=False)
    try:
        yield written
    finally:
        structlog.reset_defaults()
        root.handlers, root.level = before
