"""Temporal's dev server as a part of a stack: one file of SQLite, the loopback interface, our search attributes."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError

from cli.processes import Part
from workflows.contracts import SEARCH_ATTRIBUTES

DYNAMIC: dict[str, str | int] = {
    "history.timerProcessorMaxTimeShift": "100ms",
    "history.timerProcessorMaxPollRPS": 200,
    "history.transferProcessorMaxPollRPS": 200,
}
"""What differs from the server's own defaults, here and in production (docker-compose.yml): how late a timer may fire
(a second by default, which every retry and every end of a window would wait), and how often a second a shard reads its
queues of tasks (20 by default: steps in quick succession would wait 50 ms each)."""


@dataclass(frozen=True, slots=True)
class TemporalServer:
    """A dev server: its program, file, ports and namespaces."""

    cli: Path
    file: Path
    port: int
    ui_port: int
    namespaces: Sequence[str] = ("default",)

    @property
    def address(self) -> str:
        """Where clients connect, as `TEMPORAL_ADDRESS` takes it."""
        return f"127.0.0.1:{self.port}"

    @property
    def ui_url(self) -> str:
        """The Web UI."""
        return f"http://127.0.0.1:{self.ui_port}"

    def part(self) -> Part:
        """The server as a part.

        Always with a file: the in-memory one loses its tables when idle. WAL: three times the throughput, measured.
        """
        options = {"--db-filename": self.file, "--ip": "127.0.0.1", "--port": self.port, "--ui-port": self.ui_port}
        command = [str(self.cli), "server", "start-dev", "--log-level", "error", "--ui-disable-news-fetch"]
        command += [str(word) for option in options.items() for word in option]
        command += ["--sqlite-pragma", "journal_mode=wal", "--sqlite-pragma", "synchronous=1"]
        for name, value in DYNAMIC.items():
            command += ["--dynamic-config-value", f"{name}={json.dumps(value)}"]
        for namespace in self.namespaces:
            command += ["--namespace", namespace]
        for key in SEARCH_ATTRIBUTES:
            command += ["--search-attribute", f"{key.name}={key.indexed_value_type.name.title()}"]
        environment = {"TEMPORAL_ADDRESS": "", "TEMPORAL_NAMESPACE": ""}
        return Part("temporal", tuple(command), self._is_ready, environment=environment, start_timeout=60)

    def delete_file(self) -> None:
        """Remove the database of a server that is not running."""
        for suffix in ("", "-wal", "-shm"):
            Path(f"{self.file}{suffix}").unlink(missing_ok=True)

    async def _is_ready(self) -> bool:
        try:
            client = await Client.connect(self.address)
            for namespace in self.namespaces:
                await client.workflow_service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
        except (RPCError, RuntimeError):
            return False
        return True
