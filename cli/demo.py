"""`holdfast demo`: the way of a message, live, on free ports and fresh data that is thrown away at the end."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import httpx
from rich.console import Console
from rich.table import Table
from temporalio.client import Client, WorkflowExecutionStatus

from cli import demo_onboarding, postgres, temporal_cli, tenant
from cli.errors import CommandError
from cli.processes import Supervisor
from cli.stack import Stack
from settings import Settings
from simulator.client import SimulatorClient
from store.engine import Database
from workflows.contracts import conversation_workflow_id

console = Console(soft_wrap=True, highlight=False)

_CUSTOMERS = {
    "Ada": ("491510000001", ("Hello! Are you open on Sunday?", "And on Monday?", "Thank you!")),
    "Ben": ("491510000002", ("Where is my parcel?", "Number 4711", "Great, thanks.")),
    "Cleo": ("491510000003", ("Do you have it in blue?",)),
}
_LATE = "Cleo"
"""Her message is dated so that her window closes while we watch."""
_SETTINGS = {"LINGER": "0.5", "INBOUND_STALE_AFTER": "0"}
"""Runs end right after their windows, so that it can be watched; what is dated a day ago is the bot's to answer."""
_WINDOW = timedelta(hours=24)
_LEFT = timedelta(seconds=2)
_PATIENCE = timedelta(seconds=10)
T = TypeVar("T")


class DemoError(CommandError):
    """A step did not happen; the message says what was expected."""


@dataclass(slots=True)
class Demo:
    """What the steps share and what the summary counts."""

    stack: Stack
    simulator: SimulatorClient
    api: httpx.AsyncClient
    began: float = field(default_factory=time.monotonic)
    answered_ms: dict[str, list[float]] = field(default_factory=dict)
    onboarding_id: str = ""


def run(settings: Settings) -> None:
    """Play the demo; returns when every step has happened.

    Raises:
        DemoError: a step did not happen.
    """
    folder = settings.local.data_dir / "demo"
    with Supervisor(folder, say=console.print) as supervisor:
        _throw_away(folder, logs=True)
        cli = temporal_cli.find(settings.local.temporal_cli, say=console.print)
        stack = Stack(supervisor, cli, environment=_SETTINGS)
        try:
            asyncio.run(supervisor.guard(_play(stack)))
        finally:
            _throw_away(folder, logs=False)


async def _play(stack: Stack) -> None:
    for part in ("postgres", "temporal", "simulator", "api", "worker"):
        async with _step(part, expected=f"{part} to be ready"):
            await stack.start(part)
    async with (
        SimulatorClient(stack.simulator_url) as simulator,
        httpx.AsyncClient(base_url=f"{stack.api_url}/api/v1/whatsapp", trust_env=False) as api,
    ):
        demo = Demo(stack, simulator, api)
        await _connect_a_number(demo)
        console.rule("three customers chat", style="dim")
        await asyncio.gather(*(_chat(demo, name) for name in _CUSTOMERS))
        console.rule("a window closes", style="dim")
        await _watch_the_window_close(demo)
        await _sum_up(demo)


async def _connect_a_number(demo: Demo) -> None:
    async with _step("organization with an agent and an API key", expected="rows of all three"):
        database = Database.connect(demo.stack.database_url, pool_size=1)
        business = await tenant.found(database, demo.stack.environment())
        await database.close()
        demo.api.headers["Authorization"] = f"Bearer {business.api_key}"
    async with _step("webhook verified by its token", expected="the challenge to be echoed"):
        if not await demo.simulator.verify_webhook(demo.stack.keys.verify_token):
            raise TimeoutError("the webhook did not echo the challenge")
    console.rule("a business connects its number", style="dim")
    async with _step(f"{tenant.PHONE_NUMBER} is live", expected="a live number"):
        live = await demo_onboarding.connect(
            demo.api, demo.simulator, business, tell=lambda line: _tell(demo, f"[cyan]{line}[/cyan]")
        )
        demo.onboarding_id = live["id"]


async def _chat(demo: Demo, name: str) -> None:
    wa_id, texts = _CUSTOMERS[name]
    for text in texts:
        dated = datetime.now(UTC) - (_WINDOW - _LEFT) if name == _LATE else None
        began = time.monotonic()
        wamid = await demo.simulator.customer_says(tenant.PHONE_NUMBER_ID, wa_id, text, timestamp=dated, name=name)
        when = f" [dim](dated {_WINDOW - _LEFT} ago)[/dim]" if dated else ""
        _tell(demo, f"[cyan]{name:5}[/cyan] → {text}{when} [dim]{wamid}[/dim]")
        try:
            reply = await demo.simulator.wait_for_reply(tenant.PHONE_NUMBER_ID, wa_id, after=wamid, timeout=_PATIENCE)
        except TimeoutError as error:
            raise DemoError(f"expected: a reply to {name}'s “{text}” ({wamid}); instead: {error}") from None
        took = (time.monotonic() - began) * 1000
        demo.answered_ms.setdefault(name, []).append(took)
        _tell(demo, f"[green]{name:5}[/green] ← {reply.text} [dim]{reply.wamid}[/dim] [bold]{took:.0f} ms[/bold]")


async def _watch_the_window_close(demo: Demo) -> None:
    async with _step(f"{_LATE}'s window closes", expected="a conversation whose window is shown as closed"):
        conversation = await _until(lambda: _closed_conversation(demo))
    async with _step("its run in Temporal ends", expected="the conversation's run to be completed"):
        client = await Client.connect(demo.stack.temporal_address)
        handle = client.get_workflow_handle(conversation_workflow_id(conversation["id"]))

        async def ended() -> bool:
            return (await handle.describe()).status == WorkflowExecutionStatus.COMPLETED

        await _until(ended)
    async with _step("the number is proven by a customer's message", expected="an onboarding that has ended"):
        await demo_onboarding.proof(demo.api, demo.onboarding_id)
    async with _step("every status is in, every webhook answered", expected="nothing on its way any more"):
        if not await demo.simulator.settle(_PATIENCE):
            raise TimeoutError("statuses or webhooks were still on their way")


async def _closed_conversation(demo: Demo) -> dict[str, Any] | None:
    """The conversation that the management API shows with a closed window, once there is one."""
    listed = (await demo.api.get("/conversations")).raise_for_status().json()
    closed = (conversation for conversation in listed["items"] if conversation["template_required"])
    return next(closed, None)


async def _sum_up(demo: Demo) -> None:
    account = await demo.simulator.account()
    table = Table(title="What happened", title_justify="left")
    for column in ("customer", "said", "answered", "fastest", "median"):
        table.add_column(column, justify="left" if column == "customer" else "right")
    for name, (_, texts) in _CUSTOMERS.items():
        took = demo.answered_ms[name]
        table.add_row(name, str(len(texts)), str(len(took)), f"{min(took):.0f} ms", f"{median(took):.0f} ms")
    console.print(table)
    webhooks = account["webhooks"]
    console.print(
        f"Messages in {account['inbound']}, replies out {account['delivered']}, unanswered {account['unanswered']}, "
        f"doubled {account['doubled']}; webhooks {webhooks['delivered']} of {webhooks['bodies']} acknowledged, "
        f"{webhooks['p50_ms']} ms each; all of it in {time.monotonic() - demo.began:.1f} s."
    )
    said = sum(len(texts) for _, texts in _CUSTOMERS.values())
    expected = {"inbound": said, "delivered": said, "unanswered": 0, "doubled": 0}
    if differs := {name: account[name] for name, figure in expected.items() if account[name] != figure}:
        raise DemoError(f"expected: {expected}; instead: {differs}")


@asynccontextmanager
async def _step(title: str, *, expected: str) -> AsyncIterator[None]:
    """One step: shown while it goes on, with its time when it has happened.

    Raises:
        DemoError: it did not happen.
    """
    began = time.monotonic()
    try:
        with console.status(title):
            yield
    except (TimeoutError, httpx.HTTPError) as error:
        raise DemoError(f"{title}: expected {expected}; instead: {error or type(error).__name__}") from None
    console.print(f"[green]✓[/green] {title} [dim]{time.monotonic() - began:.1f} s[/dim]")


async def _until(ask: Callable[[], Awaitable[T | None]]) -> T:
    """Ask until there is an answer.

    Raises:
        TimeoutError: there was none within the demo's patience.
    """
    async with asyncio.timeout(_PATIENCE.total_seconds()):
        while not (answer := await ask()):  # noqa: ASYNC110 - the other side is another process
            await asyncio.sleep(0.1)
    return answer


def _tell(demo: Demo, line: str) -> None:
    console.print(f"[dim]{time.monotonic() - demo.began:6.2f} s[/dim]  {line}")


def _throw_away(folder: Path, *, logs: bool) -> None:
    """Remove data; logs stay until the next run, for whoever wants to know why a step did not happen."""
    postgres.delete(folder)
    for path in (*folder.glob("temporal.db*"), *(folder.glob("*.log") if logs else ())):
        path.unlink()
