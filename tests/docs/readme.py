"""README's blocks of output: made by running their command (`python -m tests.docs.readme`), compared in tests.

Figures and ids differ from run to run, and so does the order in which three customers chat: both are left aside.
"""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"
_BLOCK = re.compile(r"(<!-- output of: (?P<command>.+?) -->\n```console\n)(?P<shown>.*?)(```)", re.DOTALL)


def shown(command: str) -> str:
    """What README shows as the output of a command."""
    found = {match["command"]: match["shown"] for match in _BLOCK.finditer(README.read_text())}
    return found[command].removeprefix(f"$ {command}\n")


def masked(output: str) -> list[str]:
    """Its lines without figures, ids and the widths that follow from them, sorted."""
    without_ids = re.sub(r"wamid\.\S+", "wamid", output)
    without_figures = re.sub(r"\d+(?:\.\d+)?", "0", without_ids)
    lines = (re.sub(r"[\s─━]+", " ", line).strip() for line in without_figures.splitlines())
    return sorted(line for line in lines if line)


def main() -> None:
    """Run each command and put its output into README."""

    def made(match: re.Match[str]) -> str:
        command = match["command"]
        done = subprocess.run(command.split(), capture_output=True, text=True, check=True, cwd=README.parent)
        return f"{match[1]}$ {command}\n{_without_trailing_blanks(done.stdout)}{match[4]}"

    README.write_text(_BLOCK.sub(made, README.read_text()))


def _without_trailing_blanks(text: str) -> str:
    return "".join(f"{line.rstrip()}\n" for line in text.splitlines())


if __name__ == "__main__":
    main()
    sys.stdout.write("README.md is up to date.\n")
