"""Messages that carry a file: which they may name, what they wait for, what is shown of it."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from store.ids import new_id
from tests.api.edge import Edge, Tenant
from tests.api.giving import at_meta, give, noted, received, send
from tests.files import picture
from tests.rows import change, row, value
from whatsapp.media_types import MB


async def test_a_message_with_a_file_waits_until_its_number_has_it_at_meta(api: Edge, bakery: Tenant) -> None:
    media_id = (await give(bakery, picture("JPEG"), "image/jpeg", filename="a.jpg")).json()["id"]
    image = {"type": "image", "image": {"media_id": media_id, "caption": "Fresh"}}

    first = await send(bakery, image)
    assert first.status_code == 202
    waiting = await row(api.database, "messages", UUID(first.json()["message_id"]))
    assert (str(waiting.media_id), waiting.state, waiting.hold) == (media_id, "queued", "media")
    assert waiting.hold_since is not None
    shown = (await bakery.client.get(f"/api/v1/whatsapp/messages/{waiting.id}")).json()["message"]
    assert (shown["hold"], shown["why"]) == ("media", "Its file is on its way to Meta.")
    assert shown["file"] == {
        "id": media_id,
        "kind": "image",
        "state": "stored",
        "mime_type": "image/jpeg",
        "size": shown["file"]["size"],
        "filename": "a.jpg",
    }

    await at_meta(api, bakery, media_id, expires=timedelta(days=30))
    second = await row(api.database, "messages", UUID((await send(bakery, image)).json()["message_id"]))
    assert (str(second.media_id), second.hold) == (media_id, None)
    await at_meta(api, bakery, media_id, expires=timedelta(seconds=1))
    third = await row(api.database, "messages", UUID((await send(bakery, image)).json()["message_id"]))
    assert third.hold == "media", "what expires is brought to Meta anew"


async def test_a_customers_file_is_shown_with_its_message_and_can_be_sent_on(api: Edge, bakery: Tenant) -> None:
    media_id = await received(api, bakery, picture("JPEG"), kind="image", mime_type="image/jpeg; x=y")
    await change(
        api.database, "UPDATE media SET message_id = :message WHERE id = :id", id=media_id, message=bakery.message_id
    )
    path = f"/api/v1/whatsapp/conversations/{bakery.conversation_id}/messages"
    (shown,) = (await bakery.client.get(path)).json()["items"]
    assert (shown["file"]["id"], shown["file"]["state"]) == (str(media_id), "stored")
    answer = await send(bakery, {"type": "image", "image": {"media_id": str(media_id)}})
    assert answer.status_code == 202


@pytest.mark.parametrize(
    ("columns", "kind", "words"),
    [
        ({}, "video", "video.media_id: names a file for image, and this needs one for video"),
        ({"state": "waiting"}, "image", "still being fetched"),
        ({"state": "lost"}, "image", "is lost"),
        ({"mime_type": "image/tiff"}, "image", "takes from nobody"),
        ({"size": 6 * MB}, "image", "5 MB at most for image"),
    ],
)
async def test_a_file_that_cannot_be_sent_is_refused_before_anything_is_queued(
    api: Edge, bakery: Tenant, columns: dict[str, Any], kind: str, words: str
) -> None:
    media_id = await noted(api, bakery, **{"state": "stored", "mime_type": "image/jpeg", "size": 10} | columns)
    answer = await send(bakery, {"type": kind, kind: {"media_id": str(media_id)}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert words in answer.json()["detail"]
    assert await value(api.database, "SELECT count(*) FROM messages WHERE direction = 'out'") == 0


async def test_a_file_that_nobody_gave_is_refused(bakery: Tenant) -> None:
    answer = await send(bakery, {"type": "image", "image": {"media_id": str(new_id())}})
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert "image.media_id: names no file of this organization" in answer.json()["detail"]


async def test_a_number_keeps_files_in_order_when_it_is_told_to_and_not_before(api: Edge, bakery: Tenant) -> None:
    path = f"/api/v1/channels/whatsapp/integrations/{bakery.number.integration_id}"
    assert (await bakery.client.get(path)).json()["files_in_order"] is False
    for wanted in (True, False):
        answer = await bakery.client.put(path, json={"files_in_order": wanted})
        assert (answer.status_code, answer.json()["files_in_order"]) == (200, wanted)
        assert (await row(api.database, "integrations", bakery.number.integration_id)).files_in_order is wanted
