"""What is checked of a file while it comes, where the connection itself tells nothing."""

import hashlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta

import pytest

from activities.checking_files import LaterError, LostError, Seen, checked
from store.ids import new_id
from store.media_fetches import Wanted
from whatsapp.media import Located, Url

DATA = b"the bytes of a file"
SHA, OTHER = hashlib.sha256(DATA).digest(), hashlib.sha256(b"another").digest()


@dataclass
class Coming:
    """A file that comes without a word of its host's."""

    data: bytes = DATA
    size: int | None = None
    mime_type: str | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        for place in range(0, len(self.data), 5):
            yield self.data[place : place + 5]


async def come(
    coming: Coming, *, size: int | None = None, told: bytes | None = None, asked: bytes | None = None
) -> Seen:
    wanted = Wanted(new_id(), new_id(), new_id(), "image", "4711", told, 1, "4242", b"", overdue=False)
    located, seen = Located(Url("https://lookaside.fbsbx.com/1"), "image/jpeg", size, asked), Seen()
    kept = [chunk async for chunk in checked(wanted, located, coming, seen)]  # type: ignore[arg-type]
    assert b"".join(kept) == coming.data
    return seen


async def test_a_file_of_which_nothing_was_told_is_taken_as_it_is() -> None:
    seen = await come(Coming())
    assert (seen.size, seen.digest) == (len(DATA), SHA)


async def test_a_file_that_ends_well_and_too_early_is_not_the_file() -> None:
    with pytest.raises(LaterError, match=f"10 bytes came of {len(DATA)}"):
        await come(Coming(DATA[:10]), size=len(DATA))


async def test_a_host_that_has_a_part_of_it_and_says_so_is_not_believed_either() -> None:
    with pytest.raises(LaterError, match=f"10 bytes came of {len(DATA)}"):
        await come(Coming(DATA[:10], size=10), size=len(DATA))
    with pytest.raises(LaterError, match="10 bytes came of 11"):
        await come(Coming(DATA[:10], size=11))


async def test_an_empty_answer_is_no_file() -> None:
    with pytest.raises(LaterError, match="0 bytes"):
        await come(Coming(b""))


@pytest.mark.parametrize(("told", "asked"), [(SHA, None), (None, SHA), (SHA, SHA), (SHA, OTHER), (OTHER, SHA)])
async def test_one_right_hash_is_enough_since_meta_writes_them_in_two_places(
    told: bytes | None, asked: bytes | None
) -> None:
    assert (await come(Coming(), told=told, asked=asked)).digest == SHA


@pytest.mark.parametrize(("told", "asked"), [(OTHER, None), (None, OTHER), (OTHER, OTHER)])
async def test_a_file_with_another_hash_is_another_file(told: bytes | None, asked: bytes | None) -> None:
    with pytest.raises(LaterError, match="SHA-256"):
        await come(Coming(), told=told, asked=asked)


async def test_a_file_that_turns_out_to_be_too_large_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("activities.checking_files.LARGEST_INBOUND", 9)
    with pytest.raises(LostError, match="larger than"):
        await come(Coming())


def test_waits_grow_to_an_hour_and_stay_there() -> None:
    def wait(attempt: int) -> timedelta:
        return Wanted(new_id(), new_id(), new_id(), "image", "1", None, attempt, "1", b"", overdue=False).wait

    assert [wait(n) for n in (1, 2, 3, 11, 500)] == [timedelta(seconds=n) for n in (2, 4, 8, 2048, 3600)]
