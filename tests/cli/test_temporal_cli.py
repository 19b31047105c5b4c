"""Finding the Temporal CLI: the order of the ways, and the server's version as the one judge."""

import threading
import time
from pathlib import Path

import pytest

from cli import temporal_cli
from cli.temporal_cli import TemporalCliError, find
from tests.cli.command import is_alive

_GOOD = "temporal version 0.0.0-DEV (Server 1.31.2, UI 2.50.1)"
_OLD = "temporal version 1.9.9 (Server 1.22.0, UI 2.20.0)"


def _program(path: Path, output: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho '{output}'\n")
    path.chmod(0o755)
    return path


@pytest.fixture
def empty_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A PATH with nothing on it, and an SDK that cannot download."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.setattr(temporal_cli, "_download", lambda *_: "no way out of this network")
    return folder


def _find(tmp_path: Path, *, setting: Path | None = None, said: list[str] | None = None) -> Path:
    said = [] if said is None else said
    return find(setting, say=said.append, cache=tmp_path / "cache", tools=tmp_path / "tools")


def test_the_setting_wins_over_everything(tmp_path: Path, empty_path: Path) -> None:
    _program(empty_path / "temporal", _GOOD)
    mine = _program(tmp_path / "mine", _GOOD)
    assert _find(tmp_path, setting=mine) == mine


def test_a_setting_that_will_not_do_is_named_and_not_replaced(tmp_path: Path, empty_path: Path) -> None:
    _program(empty_path / "temporal", _GOOD)
    with pytest.raises(TemporalCliError, match=r"TEMPORAL_CLI=.*server 1\.22\.0, 1\.29\.0 or newer is needed"):
        _find(tmp_path, setting=_program(tmp_path / "mine", _OLD))


def test_path_comes_before_the_cache(tmp_path: Path, empty_path: Path) -> None:
    on_path = _program(empty_path / "temporal", _GOOD)
    _program(tmp_path / "cache" / "temporal", _GOOD)
    assert _find(tmp_path) == on_path


def test_a_cli_is_judged_by_its_server_and_not_by_its_own_version(tmp_path: Path, empty_path: Path) -> None:
    _program(empty_path / "temporal", _OLD)
    cached = _program(tmp_path / "cache" / "temporal", _GOOD)
    assert _find(tmp_path) == cached


@pytest.mark.usefixtures("empty_path")
def test_what_the_sdk_downloads_is_kept_and_not_fetched_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []

    def download(draft: Path, *_: object) -> str:
        calls.append(draft)
        _program(draft / "temporal", _GOOD)
        return ""

    monkeypatch.setattr(temporal_cli, "_download", download)
    assert _find(tmp_path) == _find(tmp_path) == tmp_path / "cache" / "temporal"
    assert len(calls) == 1
    assert [path.name for path in (tmp_path / "cache").iterdir() if path.name.startswith("draft")] == []


def test_the_cli_is_built_with_go_and_what_is_done_is_told(tmp_path: Path, empty_path: Path) -> None:
    (tmp_path / "tools").mkdir()
    (tmp_path / "tools" / "go.mod").touch()
    go = empty_path / "go"
    go.write_text(
        '#!/bin/sh\nwhile [ "$1" != "-o" ]; do shift; done\n'
        f'printf \'#!/bin/sh\\necho "{_GOOD}"\\n\' > "$2"\n/bin/chmod 755 "$2"\n'
    )
    go.chmod(0o755)
    said: list[str] = []
    assert _find(tmp_path, said=said) == tmp_path / "cache" / "temporal"
    assert said[0] == "  no way out of this network (0 s)"
    assert "building it with Go" in said[1]
    assert said[2] == "  done (0 s)"


def test_an_error_names_all_the_ways_and_what_came_of_each(tmp_path: Path, empty_path: Path) -> None:
    _program(empty_path / "temporal", "temporal version 1.0.0")
    with pytest.raises(TemporalCliError) as raised:
        _find(tmp_path)
    message = str(raised.value)
    for words in (
        "PATH: ", "does not name its server's version", "cache: ", "no way out of this network", "Go is not installed",
        "set TEMPORAL_CLI", "on PATH", "install Go", "set TEMPORAL_ADDRESS",
    ):  # fmt: skip
        assert words in message
    assert not (tmp_path / "cache" / "temporal").exists()


@pytest.mark.usefixtures("empty_path")
def test_two_processes_do_not_fetch_it_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fetching, go_on, calls = threading.Event(), threading.Event(), []

    def download(draft: Path, *_: object) -> str:
        calls.append(draft)
        fetching.set()
        go_on.wait(5)
        _program(draft / "temporal", _GOOD)
        return ""

    monkeypatch.setattr(temporal_cli, "_download", download)
    first = threading.Thread(target=_find, args=(tmp_path,))
    first.start()
    fetching.wait(5)
    said: list[str] = []
    second = threading.Thread(target=_find, args=(tmp_path,), kwargs={"said": said})
    second.start()
    while not said:
        time.sleep(0.01)
    go_on.set()
    first.join()
    second.join()
    assert said == ["Temporal CLI: another Holdfast process is getting it; waiting for that one"]
    assert len(calls) == 1


def test_a_command_that_takes_too_long_is_ended_with_what_it_started(tmp_path: Path) -> None:
    told = tmp_path / "pid"
    problem = temporal_cli._run(["sh", "-c", f"sleep 600 & echo $! > {told}; wait"], tmp_path, limit=1)
    assert problem == "not there after 1 s"
    started, deadline = int(told.read_text()), time.monotonic() + 5
    while is_alive(started) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not is_alive(started)
