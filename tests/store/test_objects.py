"""Where files are kept: whole or not at all, in a folder; what goes wrong in words without key or address."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from uuid import uuid4

import pytest

from store.errors import FileMissingError, FilesUnavailableError, SettingsError
from store.objects import PART, ObjectStore, key_of
from tests.files import pieces

KEY = key_of(uuid4(), uuid4())
LARGE = bytes(range(256)) * 4096 * 12
"""Twelve megabytes: three parts."""


async def read(objects: ObjectStore, key: str = KEY, **part: int) -> bytes:
    return b"".join([chunk async for chunk in await objects.get(key, **part)])


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


@pytest.fixture
def objects(tmp_path: Path) -> ObjectStore:
    return ObjectStore.open(str(tmp_path / "kept"))


@pytest.mark.parametrize("data", [b"", b"a", LARGE[: PART + 1], LARGE])
async def test_a_file_comes_back_as_it_went(objects: ObjectStore, data: bytes) -> None:
    await objects.put(KEY, pieces(data))
    assert await read(objects) == data


async def test_a_part_of_a_file_is_read_alone(objects: ObjectStore) -> None:
    await objects.put(KEY, pieces(LARGE))
    assert await read(objects, start=5_000_000, end=5_000_010) == LARGE[5_000_000:5_000_010]
    assert await read(objects, start=len(LARGE) - 3) == LARGE[-3:]


@pytest.mark.parametrize("error", [ValueError("not the file"), TimeoutError(), ConnectionResetError()])
async def test_what_ends_the_source_ends_the_write_and_leaves_nothing(
    objects: ObjectStore, tmp_path: Path, error: Exception
) -> None:
    with pytest.raises(type(error)) as caught:
        await objects.put(KEY, pieces(LARGE, error=error))
    assert caught.value is error
    assert files(tmp_path) == []


async def test_a_write_that_breaks_off_leaves_the_earlier_file_whole(objects: ObjectStore, tmp_path: Path) -> None:
    await objects.put(KEY, pieces(b"the first"))
    with pytest.raises(ValueError, match="broken"):
        await objects.put(KEY, pieces(LARGE, error=ValueError("broken")))
    assert await read(objects) == b"the first"
    assert len(files(tmp_path)) == 1


async def test_a_cancelled_write_leaves_nothing(objects: ObjectStore, tmp_path: Path) -> None:
    staged = asyncio.Event()

    async def endless() -> AsyncIterator[bytes]:
        yield LARGE
        staged.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(objects.put(KEY, endless()))
    await staged.wait()
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert files(tmp_path) == []


async def test_nobody_sees_a_file_before_it_is_whole(objects: ObjectStore) -> None:
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield LARGE
        await go_on.wait()
        yield b"the end"

    writing = asyncio.create_task(objects.put(KEY, slow()))
    for _ in range(20):
        await asyncio.sleep(0.01)
        with pytest.raises(FileMissingError):
            await objects.get(KEY)
    go_on.set()
    await writing
    assert (await read(objects)).endswith(b"the end")


_KILLED = """
import asyncio, os, sys
from store.objects import ObjectStore

async def chunks():
    for _ in range(12):
        yield bytes(1024 * 1024)
    print("written", flush=True)
    await asyncio.sleep(60)

asyncio.run(ObjectStore.open(sys.argv[1]).put(sys.argv[2], chunks()))
"""


async def test_what_a_killed_process_was_writing_is_gone_with_the_next_write(
    objects: ObjectStore, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", _KILLED, str(tmp_path / "kept"), KEY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as process:
        assert process.stdout is not None
        await asyncio.to_thread(process.stdout.readline)
        process.kill()
    assert len(files(tmp_path)) == 1, "nothing was staged: the test proves nothing"
    with pytest.raises(FileMissingError):
        await objects.get(KEY)
    await objects.put(KEY, pieces(b"whole"))
    assert await read(objects) == b"whole"
    assert [path.name for path in files(tmp_path)] == [KEY.partition("/")[2]]


async def test_a_deleted_file_is_gone_and_to_delete_it_again_is_no_error(objects: ObjectStore, tmp_path: Path) -> None:
    await objects.put(KEY, pieces(b"a"))
    await objects.delete(KEY)
    await objects.delete(KEY)
    assert files(tmp_path) == []
    with pytest.raises(FileMissingError) as caught:
        await objects.get(KEY)
    assert KEY not in str(caught.value)


async def test_a_folder_that_takes_nothing_is_told_without_its_path(objects: ObjectStore, tmp_path: Path) -> None:
    (tmp_path / "kept" / KEY.partition("/")[0]).write_text("a file where a folder should be")
    with pytest.raises(FilesUnavailableError) as caught:
        await objects.put(KEY, pieces(LARGE))
    assert str(tmp_path) not in str(caught.value)


async def test_the_folder_is_nobody_elses(objects: ObjectStore, tmp_path: Path) -> None:
    await objects.put(KEY, pieces(b"a"))
    assert (tmp_path / "kept").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("url", ["ftp://host/folder", "az://container", "nothing://"])
def test_an_address_that_keeps_no_files_is_a_setting_to_correct(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AZURE_STORAGE_ACCOUNT_NAME", raising=False)
    with pytest.raises(SettingsError, match="MEDIA_URL"):
        ObjectStore.open(url)


@pytest.mark.parametrize("url", ["s3://bucket/prefix", "gs://bucket", "memory:///"])
def test_buckets_are_opened_by_their_address(url: str) -> None:
    assert isinstance(ObjectStore.open(url), ObjectStore)


async def test_a_process_that_ends_right_after_a_write_ends_well(tmp_path: Path) -> None:
    """Coroutines of obstore itself abort one in three such processes."""
    program = _KILLED.replace("await asyncio.sleep(60)", "return")
    for _ in range(5):
        command = [sys.executable, "-c", program, str(tmp_path / "kept"), KEY]
        done = await asyncio.to_thread(subprocess.run, command, cwd=Path(__file__).parents[2], check=False, timeout=60)
        assert done.returncode == 0
