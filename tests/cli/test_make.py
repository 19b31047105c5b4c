"""What `make` says where something that it needs is missing."""

import asyncio
import shutil
from pathlib import Path

import pytest

_MAKE = shutil.which("make") or "make"
_ROOT = Path(__file__).parents[2]
_WITHOUT_VENV = """#!/bin/bash
case "$2" in
  *venv,*) exit 1 ;;
  *print*) echo python3.12-venv ;;
esac
"""


async def _installing(folder: Path, path: Path) -> tuple[int | None, str]:
    """Have make install into a folder, with this PATH and nothing else."""
    made = folder / ".installed"
    process = await asyncio.create_subprocess_exec(
        *(_MAKE, f"VENV={folder}", str(made)),
        cwd=_ROOT,
        env={"PATH": str(path)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate()
    assert not made.exists()
    return process.returncode, output.decode()


@pytest.mark.parametrize(
    ("python", "said"),
    [
        ("", "No Python 3.11 to 3.13 on PATH. Install one"),
        ("#!/bin/bash\nexit 1\n", "No Python 3.11 to 3.13 on PATH. Install one"),
        (_WITHOUT_VENV, "python3.12 has no venv module. Install it (apt install python3.12-venv)."),
    ],
    ids=["none", "too old", "without venv"],
)
async def test_make_names_the_python_that_is_missing_and_its_remedy(tmp_path: Path, python: str, said: str) -> None:
    programs = tmp_path / "programs"
    programs.mkdir()
    if python:
        (programs / "python3.12").write_text(python)
        (programs / "python3.12").chmod(0o755)
    code, output = await _installing(tmp_path / "venv", programs)
    assert code
    assert said in output
