"""Temporal's own metrics beside ours: what its SDK counts in this process, three of them by what they mean to us."""

import logging
import socket
from collections.abc import Iterable, Iterator, Mapping
from urllib.request import urlopen

from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector
from temporalio.runtime import (
    LogForwardingConfig,
    LoggingConfig,
    PrometheusConfig,
    Runtime,
    TelemetryConfig,
    TelemetryFilter,
)

import telemetry


class TemporalMetrics(Collector):
    """The SDK's metrics, read from its own exporter whenever ours are read; three of them under a name that tells."""

    def __init__(self, port: int) -> None:
        self._url = f"http://127.0.0.1:{port}/metrics"

    def describe(self) -> Iterable[Metric]:
        """Nothing: what there is shows when it is read."""
        return ()

    def collect(self) -> Iterator[Metric]:
        """What the SDK counts now; nothing while its exporter does not answer."""
        try:
            with urlopen(self._url, timeout=1) as answer:  # noqa: S310 - our own process, on the loopback interface
                families = {family.name: family for family in text_string_to_metric_families(answer.read().decode())}
        except OSError:
            return
        yield from families.values()
        yield from self.renamed(families)

    @staticmethod
    def renamed(families: Mapping[str, Metric]) -> Iterator[Metric]:
        """The three that are to be watched, by what they mean to us."""
        yield _free_slots(families)
        misses = _total(families, "temporal_sticky_cache_miss")
        yield CounterMetricFamily("holdfast_sticky_misses", "Workflow tasks whose run was not in the cache.", misses)
        # To an answer that comes too late the server says only that it knows no such task.
        too_late = {"operation": "RespondWorkflowTaskCompleted", "status_code": "NOT_FOUND"}
        late = _total(families, "temporal_request_failure", **too_late)
        yield CounterMetricFamily(
            "holdfast_workflow_task_timeouts", "Workflow tasks answered after their time-out.", late
        )


def _total(families: Mapping[str, Metric], name: str, **labels: str) -> float:
    samples = families[name].samples if name in families else []
    return sum(sample.value for sample in samples if labels.items() <= sample.labels.items())


def _free_slots(families: Mapping[str, Metric]) -> Metric:
    free = GaugeMetricFamily("holdfast_free_slots", "Free task slots, by kind and queue.", labels=["kind", "queue"])
    slots = families.get("temporal_worker_task_slots_available")
    for sample in slots.samples if slots else []:
        free.add_metric([sample.labels["worker_type"], sample.labels["task_queue"]], sample.value)
    return free


def temporal_runtime(registry: CollectorRegistry = telemetry.REGISTRY) -> Runtime:
    """Temporal's runtime for this process: its metrics join ours, its log lines go where ours go. Build one only.

    Raises:
        RuntimeError: no port for its exporter was to be had.
    """
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
    forwarding = LogForwardingConfig(logger=logging.getLogger("temporal.core"))
    runtime = Runtime(
        telemetry=TelemetryConfig(
            logging=LoggingConfig(TelemetryFilter(core_level="WARN", other_level="ERROR"), forwarding=forwarding),
            metrics=PrometheusConfig(bind_address=f"127.0.0.1:{port}", unit_suffix=True, durations_as_seconds=True),
        )
    )
    registry.register(TemporalMetrics(port))
    return runtime
