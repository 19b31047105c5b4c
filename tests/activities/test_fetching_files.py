"""Customers' files: fetched whole, checked, tried again while Meta keeps them, and said to be lost when not."""

import asyncio
import hashlib
from datetime import timedelta
from pathlib import Path
from uuid import UUID

import pytest

from store import turns
from store.engine import Database
from store.errors import FilesUnavailableError
from tests import rows
from tests.activities.moving import JPEG, FileHouse, file_house
from tests.activities.sending import RULES

SECOND = timedelta(seconds=1)


async def test_a_customers_file_is_fetched_at_once_and_kept_as_it_was_sent(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    assert talk in await house.house.due()
    assert await house.files(talk) == [media_id]
    assert (await house.move(media_id)).state == "fetched"
    row = await house.row(media_id)
    assert (row.state, row.size, row.mime_type, row.says, row.next_at) == (
        "stored",
        len(JPEG),
        "image/jpeg",
        None,
        None,
    )
    assert row.sha256 == hashlib.sha256(JPEG).digest()
    assert await house.read(media_id) == JPEG
    assert house.on_disk() == [str(media_id)], "nothing but the file, under our own name"
    assert await house.files(talk) == []


async def test_its_worker_is_known_to_be_alive_while_it_comes(
    house: FileHouse, talk: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.heartbeat._EVERY_S", 0.05)
    media_id = await house.arrives(talk)
    await house.meta.add_fault("slow", call="download", seconds=0.5, count=1)
    beats = await house.beats(media_id)
    assert beats >= 5
    assert (await house.row(media_id)).state == "stored"


async def test_fetching_it_again_changes_nothing_and_asks_nobody(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.move(media_id)
    before, calls = await house.row(media_id), len(await house.meta.calls())
    assert (await house.move(media_id)).state == "unchanged"
    assert await house.row(media_id) == before
    assert len(await house.meta.calls()) == calls


async def test_two_workers_that_fetch_it_at_once_leave_one_whole_file(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault("slow", call="download", seconds=0.5)
    moved = await asyncio.gather(house.move(media_id), house.move(media_id))
    assert "fetched" in {one.state for one in moved}
    assert (await house.row(media_id)).state == "stored"
    assert await house.read(media_id) == JPEG
    assert house.on_disk() == [str(media_id)]


@pytest.mark.parametrize(
    ("kind", "fault", "words"),
    [
        ("cut", {"call": "download"}, "connection to its host broke"),
        ("mangle", {"call": "download"}, "SHA-256"),
        ("refuse", {"call": "download", "http_status": 500}, "HTTP 500"),
        ("refuse", {"call": "download", "count": 2}, "HTTP 404"),
        ("drop", {"call": "download", "accepted": False}, "connection to its host broke"),
    ],
)
async def test_what_came_wrong_leaves_nothing_and_is_fetched_by_the_next_attempt(
    house: FileHouse, talk: UUID, kind: str, fault: dict[str, object], words: str
) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault(kind, **({"count": 1} | fault))
    moved = await house.move(media_id)
    assert moved.state == "waiting"
    assert words in moved.why
    row = await house.row(media_id)
    assert (row.state, row.says, row.size) == ("waiting", moved.why, None)
    assert house.on_disk() == []
    assert SECOND < await house.due_again(media_id) <= 2 * SECOND
    assert await house.files(talk) == [], "not before its time"
    await house.no_more_waiting(media_id)
    assert await house.files(talk) == [media_id]
    assert (await house.move(media_id)).state == "fetched"
    assert await house.read(media_id) == JPEG


async def test_an_address_that_is_over_is_asked_for_anew_in_the_same_attempt(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault("expire", call="media", count=1)
    assert (await house.move(media_id)).state == "fetched"
    calls = [call.call for call in await house.meta.calls() if call.call in ("media", "download")]
    assert calls == ["media", "download", "media", "download"]


async def test_a_404_is_answered_by_a_new_address(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault("refuse", call="download", count=1)
    assert (await house.move(media_id)).state == "fetched"
    assert (await house.row(media_id)).attempts == 1


async def test_each_failed_attempt_waits_twice_as_long_up_to_an_hour(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault("mangle", call="download")
    for attempts, wait in ((0, 2), (1, 4), (5, 64), (30, 3600)):
        await rows.change(house.database, "UPDATE media SET attempts = :n WHERE id = :id", n=attempts, id=media_id)
        await house.move(media_id)
        assert (wait - 1) * SECOND < await house.due_again(media_id) <= wait * SECOND


async def test_a_host_that_never_ends_its_answer_is_given_up_for_now(database: Database, tmp_path: Path) -> None:
    async with file_house(database, tmp_path / "files", most=SECOND) as house:
        talk = await rows.conversation(house.database, house.number)
        media_id = await house.arrives(talk)
        await house.meta.add_fault("slow", call="download", seconds=3, count=1)
        moved = await house.move(media_id)
        assert (moved.state, moved.why) == ("waiting", "The file did not come: it took longer than 1 s.")
        assert house.on_disk() == []


async def test_what_meta_does_not_keep_any_more_is_lost_with_the_last_reason(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault("mangle", call="download")
    await house.move(media_id)
    await rows.change(house.database, "UPDATE media SET fetch_before = now() WHERE id = :id", id=media_id)
    assert await house.files(talk) == [media_id]
    moved = await house.move(media_id)
    assert moved.state == "lost"
    row = await house.row(media_id)
    assert (row.state, row.next_at) == ("lost", None)
    assert row.says.startswith("Meta keeps a customer's file for 7 days")
    assert "SHA-256" in row.says
    assert await house.files(talk) == []


async def test_an_id_that_meta_does_not_know_is_lost_only_after_several_attempts(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await rows.change(house.database, "UPDATE media SET meta_media_id = '4711' WHERE id = :id", id=media_id)
    for _ in range(7):
        assert (await house.move(media_id)).state == "waiting"
    moved = await house.move(media_id)
    assert (moved.state, moved.why) == (
        "lost",
        "Meta does not have the file, or the number's token must not see it.",
    )
    assert (await house.house.checks.integration()).state == "live", "one file's id says nothing of the number"


async def test_what_meta_refuses_for_good_is_lost_at_once(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault("refuse", call="media", code=131052, count=1)
    assert (await house.move(media_id)).state == "lost"
    assert "131052" in (await house.row(media_id)).says


async def test_a_file_that_is_too_large_is_lost_before_it_is_read(
    house: FileHouse, talk: UUID, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("activities.checking_files.LARGEST_INBOUND", len(JPEG) - 1)
    media_id = await house.arrives(talk)
    moved = await house.move(media_id)
    assert moved.state == "lost"
    assert "larger than" in moved.why
    assert not [call for call in await house.meta.calls() if call.call == "download"]
    assert house.on_disk() == []


async def test_a_page_in_place_of_a_picture_is_no_picture(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk, b"<html>sign in</html>", "text/html")
    moved = await house.move(media_id)
    assert (moved.state, moved.why) == ("waiting", "The file did not come: a file of another kind than image came.")


async def test_a_dead_token_holds_the_number_and_the_file_goes_on_after_the_release(
    house: FileHouse, talk: UUID
) -> None:
    media_id = await house.arrives(talk)
    await house.meta.change_number(house.number.phone_number_id, revoked=True)
    assert (await house.move(media_id)).state == "waiting"
    integration = await house.house.checks.integration()
    assert (integration.state, integration.state_reason) == ("held", "token")
    assert len(await house.house.checks.told("integration.held")) == 1
    assert integration.check_due_at is not None, "as after a refused message"
    assert await house.files(talk) == [], "nobody asks with a dead token"
    calls = len(await house.meta.calls())
    assert (await house.move(media_id)).state == "waiting"
    assert len(await house.meta.calls()) == calls
    assert (await house.row(media_id)).attempts == 1
    await house.meta.change_number(house.number.phone_number_id, revoked=False)
    await rows.change(house.database, "UPDATE messages SET state = 'kept'")  # the file alone has it looked at
    await rows.change(house.database, "UPDATE conversations SET due_at = NULL")
    await house.house.checks.check()
    assert (await house.house.checks.integration()).state == "live"
    assert talk in await house.house.due(), "the release has it looked at"
    assert await house.files(talk) == [media_id]
    assert (await house.move(media_id)).state == "fetched"


async def test_while_meta_restricts_the_number_each_attempt_at_its_file_waits_longer(
    house: FileHouse, talk: UUID
) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault("refuse", call="media", code=368, count=2)
    for attempts, wait in ((9, 1024), (10, 2048)):
        await rows.change(house.database, "UPDATE media SET attempts = :n WHERE id = :id", n=attempts, id=media_id)
        assert (await house.move(media_id)).state == "waiting"
        assert (await house.house.checks.integration()).state == "stopped"
        assert (wait - 60) * SECOND < await house.due_again(media_id) <= wait * SECOND, "else it is asked without end"
    await house.no_more_waiting(media_id)
    assert (await house.move(media_id)).state == "fetched", "a number that may not send may read"


async def test_a_file_whose_number_stays_held_for_seven_days_is_lost(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.house.checks.hold("held", "token")
    assert await house.files(talk) == []
    await rows.change(house.database, "UPDATE media SET fetch_before = now() WHERE id = :id", id=media_id)
    assert await house.files(talk) == [media_id]
    assert (await house.move(media_id)).state == "lost"


async def test_a_full_disk_is_no_loss(house: FileHouse, talk: UUID, monkeypatch: pytest.MonkeyPatch) -> None:
    media_id = await house.arrives(talk)

    async def full(*_: object) -> None:
        raise FilesUnavailableError("The place where files are kept does not answer (OSError).")

    with monkeypatch.context() as broken:
        broken.setattr("store.objects.ObjectStore.put", full)
        moved = await house.move(media_id)
    assert moved.state == "waiting"
    assert "The place where files are kept does not answer" in moved.why
    await house.no_more_waiting(media_id)
    assert (await house.move(media_id)).state == "fetched"


async def test_the_look_at_its_conversation_waits_for_the_next_attempt(house: FileHouse, talk: UUID) -> None:
    media_id = await house.arrives(talk)
    await house.meta.add_fault("mangle", call="download", count=1)
    await house.move(media_id)
    looked = await turns.look(house.database, talk, rules=RULES)
    assert looked is not None
    assert looked[1].next_in is not None
    assert timedelta(0) < looked[1].next_in <= 2 * SECOND
    assert looked[1].next_why == "a customer's file is to be fetched"
