"""What `holdfast simulator` plays: a script of faults from a file, or random ones from a seed."""

import secrets
from pathlib import Path

from rich.markup import escape

from cli.errors import CommandError
from simulator.chaos import Chaos
from simulator.script import Script
from simulator.script_file import ScriptError, read_script


def script_for(faults: Path | None, *, chaos: bool, seed: int | None) -> Script | None:
    """The script that the options name, if any. The seed of chaos is printed, so that a run can be repeated.

    Raises:
        CommandError: they contradict each other, or the file says no script.
    """
    if faults is not None and chaos:
        raise CommandError("--faults and --chaos are two scripts: give one of them")
    if seed is not None and not chaos:
        raise CommandError("--seed is the seed of --chaos: add --chaos, or write `seed:` into the script")
    if faults is not None:
        return _from_file(faults)
    if not chaos:
        return None
    seed = secrets.randbelow(2**32) if seed is None else seed
    print(f"Chaos from seed {seed}. The same again: holdfast simulator --chaos --seed {seed}", flush=True)
    return Chaos(seed).script()


def _from_file(file: Path) -> Script:
    try:
        return read_script(file.read_text(), name=str(file))
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"{file} cannot be read ({error}): name a readable YAML file") from error
    except ScriptError as error:
        raise CommandError(f"{escape(str(error))}\ndocs/simulator.md explains the format.") from error
