"""Template messages on their whole way: queued, compared, posted to Meta, which compares them too."""

from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest

from store.engine import Database
from store.outbox import Draft, Target, queue_message
from tests.activities.sending import SendHouse, send_house
from tests.rows import conversation, row
from tests.templates import BODY, NAMED, message, template_row

IMAGE = {"type": "HEADER", "format": "IMAGE"}
TRACK = {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"}
BUTTONS = {"type": "BUTTONS", "buttons": [{"type": "QUICK_REPLY", "text": "Stop"}, TRACK]}
WA_ID = "491700000001"


@pytest.fixture
async def house(database: Database) -> AsyncIterator[SendHouse]:
    async with send_house(database) as made:
        await conversation(database, made.number, wa_id=WA_ID, opened=None)
        yield made


async def sent(house: SendHouse, content: dict[str, Any]) -> UUID:
    """Queue a template message and have it sent."""
    queued = await queue_message(
        house.database,
        organization_id=house.number.organization_id,
        target=Target(wa_id=WA_ID),
        draft=Draft("template", content),
    )
    await house.work()
    return queued.message_id


async def at_meta(house: SendHouse, name: str, *components: Any, **details: Any) -> None:
    """Have a template at Meta, and know of it."""
    await house.checks.meta.client.add_template(house.number.waba_id, name, "en_US", list(components), **details)
    await house.checks.check()


async def test_what_fits_here_fits_at_meta(house: SendHouse) -> None:
    await at_meta(house, "shipped", IMAGE, BODY, BUTTONS)
    await at_meta(house, "named", NAMED, parameter_format="NAMED")
    full = message("shipped", "en_US", "Ada", "4711")
    picture = {"type": "image", "image": {"link": "https://example.com/parcel.jpg"}}
    full["template"]["components"] += [
        {"type": "header", "parameters": [picture]},
        {"type": "button", "sub_type": "url", "index": "1", "parameters": [{"type": "text", "text": "4711"}]},
    ]
    ids = [await sent(house, full), await sent(house, message("named", order_id="4711", first_name="Ada"))]
    assert await house.accepted() == ids
    assert await house.refused() == {}
    first, second = await house.checks.meta.client.sent()
    assert first.content == full["template"]
    assert second.content["components"][0]["parameters"][0]["parameter_name"] == "order_id"


async def test_a_template_that_meta_paused_without_telling_fails_and_is_known_then(house: SendHouse) -> None:
    await at_meta(house, "shipped", BODY)
    about = (house.number.waba_id, "shipped", "en_US")
    await house.checks.meta.client.decide_template(*about, "PAUSED", tell=False)

    message_id = await sent(house, message("shipped", "en_US", "Ada", "4711"))

    ended = await row(house.database, "messages", message_id)
    assert (ended.state, ended.error_code) == ("failed", 132015)
    assert await house.check_due_at() is not None
    await house.checks.check()
    assert (await template_row(house.database)).status == "PAUSED"
