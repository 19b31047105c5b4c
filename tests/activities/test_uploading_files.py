"""Files of the business's: brought to Meta once per number, before the messages that carry them leave."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from store.objects import key_of
from store.verdicts import FILE_ANEW, FILE_REFUSED
from tests import rows
from tests.activities.moving import CUSTOMER, JPEG, FileHouse
from tests.intake.letters import Customer, Letters, take_in

DAY = timedelta(days=1)


async def _uploads(house: FileHouse) -> list[Any]:
    return await house.house.checks.rows(
        "SELECT *, expires_at - uploaded_at AS lives FROM media_uploads ORDER BY uploaded_at"
    )


async def _message(house: FileHouse, message_id: UUID) -> Any:
    return await rows.row(house.database, "messages", message_id)


async def test_a_message_waits_for_its_file_and_leaves_with_metas_id_of_it(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    message_id = await house.picture(talk, media_id)
    await house.house.work()
    assert await house.house.accepted() == [], "the file is not there yet"
    assert await house.files(talk) == [media_id]
    assert (await house.move(media_id)).state == "uploaded"
    [upload] = await _uploads(house)
    assert upload.lives == 29 * DAY
    [file] = [file for file in await house.meta.files() if file.media_id == upload.meta_media_id]
    assert (file.size, file.mime_type, file.from_customer) == (len(JPEG), "image/jpeg", False)
    assert await house.meta.file(upload.meta_media_id) == JPEG
    assert talk in await house.house.due()
    await house.house.work()
    assert await house.house.accepted() == [message_id]
    assert (await _message(house, message_id)).state == "accepted"


async def test_an_upload_is_used_by_all_messages_of_its_number(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    other = await rows.conversation(house.database, house.number, wa_id="491700000002")
    sent = [await house.picture(talk, media_id), await house.picture(other, media_id)]
    await house.move(media_id)
    assert (await house.move(media_id)).state == "uploaded"
    await house.house.work()
    assert set(await house.house.accepted()) == set(sent)
    assert len([call for call in await house.meta.calls() if call.call == "upload_media"]) == 1


async def test_an_upload_that_is_over_is_made_anew(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    await house.picture(talk, media_id)
    await house.move(media_id)
    await house.house.work()
    await rows.change(house.database, "UPDATE media_uploads SET expires_at = now()")
    again = await house.picture(talk, media_id)
    await house.house.work()
    assert again not in await house.house.accepted()
    assert await house.files(talk) == [media_id]
    await house.move(media_id)
    await house.house.work()
    assert again in await house.house.accepted()
    assert len(await _uploads(house)) == 1


async def test_an_id_that_meta_forgot_before_its_time_is_replaced_once(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    message_id = await house.picture(talk, media_id)
    await house.move(media_id)
    first = (await _uploads(house))[0].meta_media_id
    answer = await house.house.checks.meta.call("DELETE", first, token=house.number.token)
    assert answer.json() == {"success": True}
    await house.house.work()
    row = await _message(house, message_id)
    assert (row.state, row.hold) == ("queued", "media")
    assert row.reason == FILE_ANEW
    assert await house.files(talk) == [media_id]
    await house.move(media_id)
    await house.house.work()
    assert (await _message(house, message_id)).state == "accepted"
    assert (await _uploads(house))[0].meta_media_id != first


async def test_a_file_that_meta_refuses_under_its_new_id_too_fails_its_message(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    message_id = await house.picture(talk, media_id)
    await house.meta.add_fault("refuse", code=131053)
    for _ in range(2):
        await house.move(media_id)
        await house.house.work()
    row = await _message(house, message_id)
    assert (row.state, row.error_code, row.attempt, row.reason) == ("failed", 131053, 2, FILE_REFUSED)


async def _latest_wamid(house: FileHouse, message_id: UUID) -> str:
    query = "SELECT wamid FROM message_attempts WHERE message_id = :id ORDER BY attempt DESC LIMIT 1"
    return str((await house.house.checks.rows(query, id=message_id))[0].wamid)


async def _fails_late(house: FileHouse, message_id: UUID, code: int = 131053) -> Any:
    """Meta tells by a status that the message did not go out; the row after that."""
    letters = Letters(house.number, Customer(CUSTOMER, None))
    wamid = await _latest_wamid(house, message_id)
    await take_in(house.database, letters.statuses(letters.status(wamid, "failed", code=code)))
    return await _message(house, message_id)


@pytest.mark.parametrize("code", [131052, 131053])
async def test_a_file_that_fails_after_meta_took_its_message_is_uploaded_and_sent_once_more(
    house: FileHouse, talk: UUID, code: int
) -> None:
    media_id = await house.kept()
    message_id = await house.picture(talk, media_id)
    await house.move(media_id)
    await house.house.work()
    row = await _fails_late(house, message_id, code)
    assert (row.state, row.hold, row.hold_until) == ("queued", "media", None)
    assert row.reason == FILE_ANEW
    assert await _uploads(house) == [], "whoever sends it next would send what Meta cannot use"
    assert talk in await house.house.due()
    assert await house.files(talk) == [media_id]
    await house.move(media_id)
    await house.house.work()
    again = await _message(house, message_id)
    assert (again.state, again.attempt, again.reason) == ("accepted", 2, None)
    assert again.wamid == await _latest_wamid(house, message_id) != row.wamid, "the customer answers the second"

    row = await _fails_late(house, message_id, code)
    assert (row.state, row.error_code, row.hold) == ("failed", code, None)
    assert row.reason == FILE_REFUSED
    assert "POST /api/v1/whatsapp/media" in row.reason
    assert await _uploads(house) == []
    await house.house.work()
    assert await house.house.accepted() == [message_id, message_id], "two attempts, the first of which Meta took back"


async def test_a_late_failure_of_an_old_upload_leaves_the_new_one_alone(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    other = await rows.conversation(house.database, house.number, wa_id="491700000002")
    first, second = [await house.picture(place, media_id) for place in (talk, other)]
    await house.move(media_id)
    await house.house.work()
    await _fails_late(house, first)
    await house.move(media_id)
    [new] = await _uploads(house)
    assert (await _fails_late(house, second)).hold == "media"
    assert [upload.meta_media_id for upload in await _uploads(house)] == [new.meta_media_id]
    assert (await house.move(media_id)).state == "uploaded"
    await house.house.work()
    assert (await _message(house, second)).state == "accepted"
    assert len([call for call in await house.meta.calls() if call.call == "upload_media"]) == 2


async def test_a_link_that_fails_late_fails_its_message_with_what_to_do(house: FileHouse, talk: UUID) -> None:
    content = {"image": {"link": "https://example.com/a.jpg"}}
    [message_id] = await house.house.queue(talk, "", type="image", content=content)
    await house.house.work()
    row = await _fails_late(house, message_id)
    assert (row.state, row.hold) == ("failed", None)
    assert row.reason.endswith("Check the file's type and size and send it anew.")


async def test_a_file_that_meta_does_not_take_fails_its_messages_and_lets_what_is_behind_them_go(
    house: FileHouse, talk: UUID
) -> None:
    media_id = await house.kept(b"%PDF-1.7 no picture")
    message_id = await house.picture(talk, media_id)
    [behind] = await house.house.queue(talk, "after it")
    await house.house.work()
    assert await house.house.accepted() == []
    assert (await house.move(media_id)).state == "refused"
    row = await _message(house, message_id)
    assert (row.state, row.error_code, row.hold) == ("failed", 131053, None)
    assert row.reason.startswith("Meta did not take its file.")
    await house.house.work()
    assert await house.house.accepted() == [behind]


async def test_an_upload_that_is_put_off_waits_for_no_conversation_that_it_has_not_locked(
    house: FileHouse, talk: UUID
) -> None:
    media_id = await house.kept()
    await house.picture(talk, media_id)
    elsewhere = await house.picture(
        await rows.conversation(house.database, house.number, wa_id="491700000002"), media_id
    )
    await rows.change(house.database, "UPDATE messages SET hold = NULL WHERE id = :id", id=elsewhere)
    await house.meta.add_fault("refuse", call="upload_media", count=1, code=131016)
    async with house.database.transaction() as claiming, asyncio.timeout(20):
        await claiming.execute(text("SELECT FROM messages WHERE id = :id FOR NO KEY UPDATE"), {"id": elsewhere})
        assert (await house.move(media_id)).state == "waiting"
    assert (await _message(house, elsewhere)).hold is None, "its own claim finds out"


@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("refuse", {"code": 131016}),
        ("refuse", {"code": 80007}),
        ("drop", {"accepted": False}),
        ("cut", {"accepted": True}),
    ],
)
async def test_an_upload_that_did_not_come_through_is_made_again_by_and_by(
    house: FileHouse, talk: UUID, kind: str, fault: dict[str, Any]
) -> None:
    media_id = await house.kept()
    message_id = await house.picture(talk, media_id)
    await house.meta.add_fault(kind, call="upload_media", count=1, **fault)
    moved = await house.move(media_id)
    assert moved.state == "waiting"
    row = await _message(house, message_id)
    assert (row.state, row.hold, row.reason) == ("queued", "media", moved.why)
    assert row.hold_until > row.hold_since
    assert await house.files(talk) == [], "not before its time"
    await rows.change(house.database, "UPDATE messages SET hold_until = now() WHERE id = :id", id=message_id)
    assert await house.files(talk) == [media_id]
    assert (await house.move(media_id)).state == "uploaded"
    await house.house.work()
    assert await house.house.accepted() == [message_id]


async def test_a_dead_token_found_by_an_upload_holds_the_number_and_fails_nothing(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    message_id = await house.picture(talk, media_id)
    await house.meta.change_number(house.number.phone_number_id, revoked=True)
    assert (await house.move(media_id)).state == "waiting"
    integration = await house.house.checks.integration()
    assert (integration.state, integration.state_reason) == ("held", "token")
    assert await house.files(talk) == []
    await house.meta.change_number(house.number.phone_number_id, revoked=False)
    await house.house.checks.check()
    await rows.change(house.database, "UPDATE messages SET hold_until = now() WHERE id = :id", id=message_id)
    assert talk in await house.house.due()
    assert await house.files(talk) == [media_id]
    await house.move(media_id)
    await house.house.work()
    assert await house.house.accepted() == [message_id]


async def test_a_file_that_is_not_where_it_was_put_is_told_and_waited_for(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    message_id = await house.picture(talk, media_id)
    path = house.folder / key_of(house.number.organization_id, media_id)
    data = path.read_bytes()
    path.unlink()
    assert (await house.move(media_id)).state == "waiting"
    row = await _message(house, message_id)
    assert row.reason == "Its file is not at Meta yet: The file is not where it was put."
    path.write_bytes(data)
    assert (await house.move(media_id)).state == "uploaded"


async def test_nothing_is_uploaded_for_messages_that_nobody_sends_any_more(house: FileHouse, talk: UUID) -> None:
    media_id = await house.kept()
    message_id = await house.picture(talk, media_id)
    await rows.change(house.database, "UPDATE messages SET state = 'cancelled' WHERE id = :id", id=message_id)
    assert (await house.move(media_id)).state == "waiting"
    assert not [call for call in await house.meta.calls() if call.call == "upload_media"]


async def test_a_customers_file_is_no_way_to_anothers(house: FileHouse, talk: UUID) -> None:
    stranger = await rows.connected_number(house.database, digits="15550777")
    media_id = await house.kept()
    await rows.change(
        house.database,
        "UPDATE media SET organization_id = :other WHERE id = :id",
        other=stranger.organization_id,
        id=media_id,
    )
    await house.picture(talk, media_id)
    assert (await house.move(media_id)).state == "waiting"
    assert await _uploads(house) == []
