"""Read receipt and typing indicator: beside the turn, asked for once, counted, never in a message's way."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import telemetry
from activities.receipts import MOST_AT_ONCE, Receipts
from store.ids import new_id
from tests.rows import RING


class Marker:
    """A Graph that takes a receipt, or refuses it, once it may."""

    def __init__(self, *, takes: bool) -> None:
        self._takes = takes
        self.asked: list[tuple[str, bool]] = []
        self.may_answer = asyncio.Event()

    async def mark_read(self, phone_number_id: str, token: str, wamid: str, *, typing: bool) -> bool:
        assert (phone_number_id, token) == ("106", "its token")
        self.asked.append((wamid, typing))
        await self.may_answer.wait()
        return self._takes


def of_a_conversation(**fields: Any) -> Any:
    integration_id = new_id()
    place = {"table": "integrations", "column": "access_token_sealed", "row": integration_id}
    sealed = RING.seal("its token", **cast("Any", place))
    given = {"receipts": True, "sends": True, "phone_number_id": "106", "access_token_sealed": sealed}
    return SimpleNamespace(integration_id=integration_id, **(given | fields))


def turn(state: str = "asking") -> Any:
    return SimpleNamespace(
        taken=[SimpleNamespace(wamid="wamid.older"), SimpleNamespace(wamid="wamid.latest")], state=state
    )


def counted(result: str) -> float:
    return telemetry.REGISTRY.get_sample_value("holdfast_read_receipts_total", {"result": result}) or 0


async def _settled(receipts: Receipts) -> None:
    await asyncio.wait(receipts._tasks)
    await asyncio.sleep(0)


async def test_a_receipt_is_asked_for_once_whatever_comes_of_it_and_counted() -> None:
    for takes, result in ((True, "ok"), (False, "refused")):
        before, marker = counted(result), Marker(takes=takes)
        receipts = Receipts(marker, RING)
        receipts.send(of_a_conversation(), turn())
        receipts.send(of_a_conversation(), turn("ended"))
        assert counted(result) == before, "nobody has waited for it"
        marker.may_answer.set()
        await _settled(receipts)
        assert marker.asked == [("wamid.latest", True), ("wamid.latest", False)]
        assert counted(result) == before + 2


async def test_where_nobody_wants_receipts_or_nothing_may_be_sent_none_is() -> None:
    marker = Marker(takes=True)
    receipts = Receipts(marker, RING)
    for one in ({"receipts": False}, {"sends": False}, {"access_token_sealed": None}):
        receipts.send(of_a_conversation(**one), turn())
    before = counted("no_token")
    receipts.send(of_a_conversation(access_token_sealed=b"of another place"), turn())
    await _settled(receipts)
    assert (marker.asked, counted("no_token")) == ([], before + 1)


async def test_receipts_that_would_take_the_connections_of_messages_are_dropped() -> None:
    marker, before = Marker(takes=True), counted("dropped")
    receipts = Receipts(marker, RING)
    for _ in range(MOST_AT_ONCE + 7):
        receipts.send(of_a_conversation(), turn())
    assert counted("dropped") == before + 7
    marker.may_answer.set()
    await _settled(receipts)
    assert len(marker.asked) == MOST_AT_ONCE
    receipts.send(of_a_conversation(), turn())
    await _settled(receipts)
    assert len(marker.asked) == MOST_AT_ONCE + 1
