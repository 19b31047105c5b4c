"""`holdfast dev`: everything on this machine, at fixed ports, with data that stays, until Ctrl-C."""

import asyncio
import contextlib
from collections.abc import Mapping

from pydantic import SecretStr
from rich.console import Console

from cli import temporal_cli, tenant
from cli.errors import CommandError
from cli.ports import is_free
from cli.processes import InterruptedRunError, Supervisor
from cli.stack import Ports, Secrets, Stack
from settings import Settings
from simulator.client import SimulatorClient
from store.engine import Database

console = Console(soft_wrap=True, highlight=False)


class PortTakenError(CommandError):
    """Something else listens where a part belongs; the message names the setting that moves it."""


def run(settings: Settings) -> None:
    """Start the parts and stay until Ctrl-C, or until one of them crashes."""
    with Supervisor(settings.local.data_dir / "dev", say=console.print) as supervisor:
        stack = _stack(settings, supervisor)
        with contextlib.suppress(InterruptedRunError):  # its usual end
            asyncio.run(supervisor.guard(_stay(stack)))
    console.print("Everything is stopped.")


def check_ports(named: Mapping[str, int]) -> None:
    """Refuse to start when a port is taken.

    Raises:
        PortTakenError: naming the port and its setting.
    """
    taken = [f"port {port} is taken: set {setting} to another" for setting, port in named.items() if not is_free(port)]
    if taken:
        raise PortTakenError("\n".join(taken))


def _stack(settings: Settings, supervisor: Supervisor) -> Stack:
    local, temporal = settings.local, settings.temporal
    own_temporal = "address" not in temporal.model_fields_set
    own_postgres = "url" not in settings.database.model_fields_set
    named = {"DEV_SIMULATOR_PORT": local.dev_simulator_port, "API_PORT": settings.api.port}
    if own_temporal:
        named |= {"DEV_TEMPORAL_PORT": local.dev_temporal_port, "DEV_TEMPORAL_UI_PORT": local.dev_temporal_ui_port}
    if own_postgres:
        named["DEV_POSTGRES_PORT"] = local.dev_postgres_port
    check_ports(named)
    ports = Ports(
        postgres=local.dev_postgres_port,
        temporal=local.dev_temporal_port,
        temporal_ui=local.dev_temporal_ui_port,
        simulator=local.dev_simulator_port,
        api=settings.api.port,
    )
    return Stack(
        supervisor,
        temporal_cli.find(local.temporal_cli, say=console.print) if own_temporal else None,
        ports=ports,
        keys=Secrets.kept_in(supervisor.folder / "secrets.json"),
        durable=True,
        environment=_given(settings),
        database_url=None if own_postgres else settings.database.url.get_secret_value(),
        temporal_address=None if own_temporal else temporal.address,
    )


def _given(settings: Settings) -> dict[str, str]:
    """What the user has set wins over what a local stack makes up: with META_* one's own app can be tried."""
    given = {"TEMPORAL_NAMESPACE": settings.temporal.namespace}
    for prefix, group in (("META", settings.meta), ("SEALING", settings.sealing), ("CONSOLE", settings.console)):
        for name in group.model_fields_set:
            value = getattr(group, name)
            values = value if isinstance(value, list) else [value]
            texts = [item.get_secret_value() if isinstance(item, SecretStr) else str(item) for item in values]
            given[f"{prefix}_{name.upper()}"] = ",".join(texts)
    return given


async def _stay(stack: Stack) -> None:
    with console.status("starting"):
        await stack.start()
        database = Database.connect(stack.database_url, pool_size=1)
        business = await tenant.kept_in(stack.folder / "tenant.json", database, stack.environment())
        await database.close()
        async with SimulatorClient(stack.simulator_url) as simulator:
            await tenant.introduce(simulator)
    rows = {
        "Console": f"{stack.api_url}/console",
        "Sign in as": f"{business.email} with {business.password}",
        "API docs": f"{stack.api_url}/docs",
        "Temporal UI": stack.temporal.ui_url if stack.temporal else f"(of {stack.temporal_address})",
        "Simulator": stack.simulator_url,
        "API key": business.api_key,
        "Number": f"{tenant.PHONE_NUMBER} (phone number id {tenant.PHONE_NUMBER_ID})",
        "Logs": f"{stack.folder}/*.log",
    }
    for name, value in rows.items():
        console.print(f"  [bold]{name:12}[/bold] {value}")
    console.print("Ctrl-C stops everything; data stays.")
    await asyncio.Event().wait()
