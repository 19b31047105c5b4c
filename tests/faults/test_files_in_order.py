"""A file, and a text behind it, on a number that keeps them in order: through the whole installation."""

from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.faults.house import House, new_customers
from tests.files import picture

MEDIA = {"Content-Type": "image/jpeg"}


@pytest.mark.parametrize("kept_back", [False, True], ids=["delivered at once", "not delivered"])
async def test_a_text_leaves_when_the_file_before_it_is_delivered_or_5_s_later(
    house: House, *, kept_back: bool
) -> None:
    [customer] = new_customers(1)
    await house.exchange(customer, "hello")
    await house.simulator.change_number(house.line.phone_number_id, hold_statuses=kept_back)
    headers = {"Authorization": f"Bearer {house.line.api_key}"}
    async with httpx.AsyncClient(base_url=house.stack.api_url, headers=headers, trust_env=False) as api:
        await _ok(api.put(f"/api/v1/channels/whatsapp/integrations/{house.line.integration_id}", json=_IN_ORDER))
        file = await _ok(api.post("/api/v1/whatsapp/media", content=picture("JPEG"), headers=MEDIA))
        for message in (
            {"type": "image", "image": {"media_id": file["id"]}},
            {"type": "text", "text": {"body": "that was our bread"}},
        ):
            await _ok(api.post("/api/v1/whatsapp/send-message", json={"to": customer} | message))

    await house.until(lambda: _both_left(house), within=20, what="both have left")

    image, text = await _left(house)
    between = text.accepted_at - image.accepted_at
    assert text.hold is None
    if kept_back:
        assert timedelta(seconds=5) <= between < timedelta(seconds=5) + timedelta(seconds=4) * house.slowness
    else:
        assert image.delivered_at < text.claimed_at
        assert between < timedelta(seconds=5)
    await house.simulator.change_number(house.line.phone_number_id, hold_statuses=False)
    await house.simulator.release_statuses(house.line.phone_number_id)


_IN_ORDER = {"files_in_order": True}


async def _ok(asking: Any) -> Any:
    answer = await asking
    assert answer.is_success, answer.text
    return answer.json()


async def _left(house: House) -> list[Any]:
    return await house.rows(
        "SELECT m.type, m.hold, m.accepted_at, m.claimed_at, "
        "(SELECT min(s.created_at) FROM message_statuses s WHERE s.message_id = m.id AND s.status <> 'sent') "
        "AS delivered_at FROM messages m WHERE m.integration_id = :line AND m.author = 'api' ORDER BY m.queue_no"
    )


async def _both_left(house: House) -> bool:
    return [row.accepted_at is not None for row in await _left(house)] == [True, True]
