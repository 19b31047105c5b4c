"""The `holdfast` command: each command reads the settings once and passes them down.

Imports of the rooms are late, so that a command loads only what it needs.
"""

import asyncio
import time
from pathlib import Path
from typing import Annotated, Literal

import typer
from pydantic import ValidationError
from rich.console import Console

import settings
from cli.errors import CommandError
from cli.loading import loading
from settings import load
from store.errors import HoldfastError

app = typer.Typer(
    name="holdfast",
    help="Connects businesses to WhatsApp and never loses, doubles or forgets a message.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
console = Console(stderr=True, soft_wrap=True)


@app.command()
def demo() -> None:
    """Show the way of a message: three simulated customers chat, one window closes; everything is thrown away."""
    from cli.demo import run

    run(load())


@app.command()
def dev() -> None:
    """Run everything on this machine until Ctrl-C; data stays in .data/dev."""
    from cli.dev import run

    run(load())


@app.command()
def api() -> None:
    """Serve webhooks, the management API and, unless INTAKE says otherwise, the intake."""
    with loading():
        from cli.api import run_api

    run_api(load())


@app.command()
def intake() -> None:
    """Run the intake as a process of its own (INTAKE=separate for the API)."""
    with loading():
        from cli.roles import run_intake

    run_intake(load())


@app.command()
def worker() -> None:
    """Run workflows and activities."""
    with loading():
        import worker as process

    process.main(load())


@app.command()
def simulator(
    port: Annotated[int | None, typer.Option(help="Port on 127.0.0.1; DEV_SIMULATOR_PORT by default.")] = None,
    webhook_url: Annotated[str, typer.Option(help="Where webhooks go.")] = "",
    *,
    faults: Annotated[Path | None, typer.Option(help="A script of faults to play, as in docs/simulator.md.")] = None,
    chaos: Annotated[bool, typer.Option("--chaos", help="Play random faults until it ends.")] = False,
    seed: Annotated[int | None, typer.Option(min=0, help="The seed of --chaos; any by default.")] = None,
) -> None:
    """Run the stand-in for Meta; it signs with META_APP_SECRET."""
    with loading():
        from cli.disturbances import script_for
        from cli.simulator import run_simulator

    run_simulator(load(), port=port, webhook_url=webhook_url, script=script_for(faults, chaos=chaos, seed=seed))


@app.command()
def reprocess(
    what: Annotated[Literal["parked", "quarantined"], typer.Argument(help="Which items to look at again.")],
    phone_number_id: Annotated[str | None, typer.Option(help="Only those of this number.")] = None,
) -> None:
    """Look again at items of webhooks that were not applied; safe to repeat."""
    from cli.reprocess import run

    run(load(), what, phone_number_id=phone_number_id)


@app.command()
def migrate() -> None:
    """Bring the database to this version's schema; safe to run at any time, by several at once."""
    from store.migrate import upgrade

    asyncio.run(upgrade(load().database.url.get_secret_value()))
    print("The database is at this version's schema.")


@app.command("temporal-cli")
def find_temporal_cli() -> None:
    """Find the Temporal CLI, or fetch or build it, and say where it is."""
    from cli.temporal_cli import find

    began = time.monotonic()
    path = find(load().local.temporal_cli, say=print)
    print(f"Temporal CLI: {path} ({time.monotonic() - began:.1f} s)")


@app.command()
def bench(
    only: Annotated[
        list[str] | None,
        typer.Option(help="acks, exchanges, outbound, scaling, rates or open-runs; may be repeated."),
    ] = None,
) -> None:
    """Measure acknowledgements, exchanges and sends: a table, and every figure in .data/bench.json."""
    from bench.run import ROOMS, run

    if unknown := set(only or ()) - set(ROOMS):
        raise CommandError(f"there is no bench of {', '.join(sorted(unknown))}: there are {', '.join(ROOMS)}")
    run(load(), [room for room in ROOMS if not only or room in only])


@app.command()
def doctor() -> None:
    """Check settings and connections, and say in words what is wrong and what to do."""
    from cli.doctor import run

    raise typer.Exit(run(load()))


def _add_groups() -> None:
    from cli.keys import api_keys, seal
    from cli.numbers import numbers
    from cli.people import people

    app.add_typer(api_keys, name="api-keys")
    app.add_typer(seal, name="seal")
    app.add_typer(numbers, name="numbers")
    app.add_typer(people, name="people")


def main() -> None:
    """Run the command; what goes wrong is said in words, with what to do."""
    _add_groups()
    try:
        app()
    except ValidationError as error:
        prefix = str(getattr(settings, error.title).model_config.get("env_prefix", ""))
        for problem in error.errors(include_input=False, include_url=False):
            console.print(f"[red]{prefix}{str(problem['loc'][0]).upper()}[/red]: {problem['msg']}", highlight=False)
        raise SystemExit(2) from None
    except HoldfastError as error:
        console.print(f"[red]{error.detail}[/red]\n{error.next_step}", highlight=False)
        raise SystemExit(1) from None
    except CommandError as error:
        console.print(f"[red]{error}[/red]", highlight=False, markup=True)
        raise SystemExit(error.exit_code) from None


if __name__ == "__main__":
    main()
