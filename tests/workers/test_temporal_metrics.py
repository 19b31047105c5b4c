import time
from datetime import timedelta
from uuid import uuid4

from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from workers.temporal_metrics import TemporalMetrics, temporal_runtime

_seconds = iter([0, 2])


@workflow.defn
class SlowThinker:
    """Thinks for longer than its workflow task may take, the second time it is asked."""

    @workflow.run
    async def run(self) -> None:
        time.sleep(next(_seconds, 0))  # noqa: ASYNC251 - to block is what it is about


def value(text: str, name: str, **labels: str) -> float:
    """The sum of a metric's samples that carry these labels."""
    wanted = [f'{label}="{expected}"' for label, expected in labels.items()]
    found = [line for line in text.splitlines() if line.split("{")[0].split(" ")[0] == name]
    return sum(float(line.rsplit(" ", 1)[1]) for line in found if all(label in line for label in wanted))


async def test_a_workers_metrics_show_its_free_slots_and_the_tasks_that_timed_out(
    temporal_address: str, temporal_namespace: str
) -> None:
    registry = CollectorRegistry()
    client = await Client.connect(temporal_address, namespace=temporal_namespace, runtime=temporal_runtime(registry))
    queue = f"metrics-{uuid4()}"
    worker = Worker(
        client,
        task_queue=queue,
        workflows=[SlowThinker],
        workflow_runner=UnsandboxedWorkflowRunner(),
        max_concurrent_workflow_tasks=7,
        debug_mode=True,
    )
    async with worker:
        await client.execute_workflow(SlowThinker.run, id=f"{queue}-1", task_queue=queue)
        before = generate_latest(registry).decode()
        limit = timedelta(seconds=1)
        await client.execute_workflow(SlowThinker.run, id=f"{queue}-2", task_queue=queue, task_timeout=limit)
        after = generate_latest(registry).decode()
    assert value(before, "holdfast_free_slots", kind="WorkflowWorker", queue=queue) in range(1, 8)
    assert value(before, "holdfast_workflow_task_timeouts_total") == 0
    assert value(before, "holdfast_sticky_misses_total") == 0
    assert value(after, "holdfast_workflow_task_timeouts_total") >= 1


def test_metrics_are_given_while_temporals_exporter_does_not_answer() -> None:
    registry = CollectorRegistry()
    registry.register(TemporalMetrics(1))
    assert generate_latest(registry) == b""
