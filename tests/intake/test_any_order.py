"""A stream of what customers do ends the same, however it is shuffled, batched and repeated on its way to us.

Hypothesis makes up the stream. What is compared is what anybody can see in the end: who there is and how they are
reached, each conversation with its window and its messages as they are read, how far ours have come.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from store.engine import Database
from store.paging import PageRequest
from store.reading.contacts import list_contacts
from store.reading.conversations import list_conversations
from store.reading.messages import Message, list_messages
from store.tables import message_attempts
from tests.intake.kinds_in import KINDS_IN
from tests.intake.letters import Customer, Letters, stamp, take_in
from tests.intake.people import changed
from tests.rows import Number, connected_number, conversation, queued, rows

_numbers = count(1)
_BEGAN = datetime(2026, 11, 21, 9, tzinfo=UTC)
_ABOUT_OTHERS = ("another", "edit", "reaction", "deletion")
_PLAIN = [name for name in KINDS_IN if name.split()[0] not in _ABOUT_OTHERS]
_ALL = PageRequest(limit=200)

Deed = tuple[Any, ...]
_who, _which = st.integers(0, 1), st.integers(0, 9)
_named_by = st.sampled_from(["both", "phone", "bsuid"])
_DEEDS = st.lists(
    st.one_of(
        st.tuples(st.just("say"), _who, _named_by, st.sampled_from(_PLAIN)),
        st.tuples(st.just("say"), _who, _named_by, st.just("text")),
        st.tuples(st.just("react"), _who, _named_by, _which, st.sampled_from(["👍", "🥖", "", None])),
        st.tuples(st.just("edit"), _who, _named_by, _which, st.text("abc", min_size=1, max_size=3)),
        st.tuples(st.just("revoke"), _who, _named_by, _which),
        st.tuples(st.just("echo"), _who, _named_by),
        st.tuples(st.just("move"), _who, _named_by),
        st.tuples(st.just("status"), _who, _named_by, st.sampled_from(["sent", "delivered", "read"])),
    ),
    min_size=2,
    max_size=14,
)


@dataclass(slots=True)
class Stream:
    """What two customers do, one deed per second, as Meta writes it under the names that they have by then."""

    letters: Letters
    sent: list[tuple[str, str]]
    """To each of them, the wamid and the callback data of a message of ours."""
    people: list[Customer]
    items: list[Any] = field(default_factory=list)
    wamids: list[list[str]] = field(default_factory=lambda: [["w.never"], ["w.never"]])
    """Each one's messages, and one that never comes."""

    def add(self, deed: Deed) -> None:
        kind, who, named_by, *more = deed
        second = len(self.items)
        letters = Letters(self.letters.number, _named(self.people[who], named_by))
        at, wamid = _BEGAN + timedelta(seconds=second), f"w.{second}"
        if kind == "move":
            self.items.append(self._move(who, at, wamid, hides=named_by == "bsuid"))
        elif kind == "status":
            self.items.append(letters.change(statuses=[self._status(letters.customer, who, more[0], at)]))
        elif kind == "echo":
            to = {"to": letters.customer.wa_id, "to_user_id": letters.customer.user_id}
            body = letters.echo(at=at, id=wamid, **{key: part for key, part in to.items() if part})
            self.items.append(_change_of(body))
        else:
            message = self._message(kind, who, more)
            bare = {key: part for key, part in letters.said(wamid=wamid, at=at).items() if key not in ("text", "type")}
            self.items.append(letters.change(bare | message))
            if kind == "say":
                self.wamids[who].append(wamid)

    def _message(self, kind: str, who: int, more: Sequence[Any]) -> dict[str, Any]:
        if kind == "say":
            return KINDS_IN[more[0]]
        about = self.wamids[who][more[0] % len(self.wamids[who])]
        if kind == "react":
            emoji = {} if more[1] is None else {"emoji": more[1]}
            return {"type": "reaction", "reaction": {"message_id": about, **emoji}}
        if kind == "edit":
            now = {"type": "text", "text": {"body": more[1]}}
            return {"type": "edit", "edit": {"original_message_id": about, "message": now}}
        return {"type": "revoke", "revoke": {"original_message_id": about}}

    def _move(self, who: int, at: datetime, wamid: str, *, hides: bool) -> Any:
        """They have another number and so another BSUID; it is told under the names they had."""
        was, n = self.people[who], f"{who}{at.second:02}"
        self.people[who] = Customer(f"49180{n}", f"DE.8{n}", was.name)
        shown = _named(self.people[who], "bsuid" if hides else "both")
        return _change_of(changed(Letters(self.letters.number, was), shown, at=at, wamid=wamid))

    def _status(self, customer: Customer, who: int, status: str, at: datetime) -> dict[str, Any]:
        wamid, ours = self.sent[who]
        told = {"id": wamid, "status": status, "timestamp": stamp(at), "biz_opaque_callback_data": ours}
        named = {"recipient_id": customer.wa_id, "recipient_user_id": customer.user_id}
        return told | {key: part for key, part in named.items() if part}


def _named(customer: Customer, by: str) -> Customer:
    wa_id, user_id = customer.wa_id, customer.user_id
    return Customer(None if by == "bsuid" else wa_id, None if by == "phone" else user_id, customer.name)


def _change_of(body: bytes) -> Any:
    return orjson.loads(body)["entry"][0]["changes"][0]


async def _stream(database: Database, deeds: Sequence[Deed]) -> Stream:
    """A number with two customers, each of whom we have sent a message that Meta has accepted."""
    number, sent = await connected_number(database, digits=f"1666{next(_numbers):04}"), []
    people = [Customer("491700000001", "DE.1001", "Ada"), Customer("491700000002", "DE.1002", "Ada")]
    for n, person in enumerate(people):
        conversation_id = await conversation(database, number, wa_id=str(person.wa_id), opened=None)
        message_id = await queued(
            database, number, conversation_id, state="accepted", attempt=1, wamid=f"w.out.{n}", meta_timestamp=_BEGAN
        )
        values = {"message_id": message_id, "attempt": 1, "organization_id": number.organization_id}
        async with database.transaction() as connection:
            row = values | {"state": "accepted", "wamid": f"w.out.{n}", "claimed_at": _BEGAN}
            await connection.execute(insert(message_attempts).values(row))
        sent.append((f"w.out.{n}", f"{message_id}.1"))
    stream = Stream(Letters(number), sent, people)
    for deed in deeds:
        stream.add(deed)
    return stream


async def _end(database: Database, number: Number) -> Any:
    """Everything that can be seen of a number in the end, under no id of ours."""
    owner = number.organization_id
    people = (await list_contacts(database, owner, _ALL)).items
    ended = []
    for one in (await list_conversations(database, owner, _ALL)).items:
        messages = (await list_messages(database, owner, one.id, _ALL)).items
        who = (one.contact_phone_number, one.contact_user_id, one.contact_name)
        ended.append((str(who), one.window_closes_at, one.last_message_at, sorted(map(_seen, messages))))
    counted = "SELECT count(*) AS n, count(DISTINCT wamid) AS unlike FROM messages WHERE organization_id = :owner"
    (found,) = await rows(database, counted, owner=owner)
    reached = sorted(str((one.phone_number, one.user_id, one.profile_name, one.marketing_stopped_at)) for one in people)
    return reached, sorted(ended, key=str), found.n, found.unlike


def _seen(one: Message) -> Any:
    reactions = sorted((reaction.emoji, reaction.by) for reaction in one.reactions)
    named = [
        None if named is None else (named.wamid, named.message_id is None) for named in (one.replies_to, one.about)
    ]
    times = str((one.edited_at, one.revoked_at))
    return one.wamid, one.type, one.in_words, one.state, one.delivery, str(reactions), times, str(named)


@given(deeds=_DEEDS, data=st.data())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_any_shuffle_batching_and_repetition_of_a_stream_ends_the_same(
    database: Database, deeds: list[Deed], data: st.DataObject
) -> None:
    told = await _stream(database, deeds)
    await take_in(database, *(told.letters.body(item) for item in told.items))

    shuffled = await _stream(database, deeds)
    again = data.draw(st.lists(st.sampled_from(range(len(deeds))), max_size=4), label="repeated")
    order = data.draw(st.permutations([*range(len(deeds)), *again]), label="order")
    while order:
        batch = data.draw(st.integers(1, len(order)), label="batch")
        items = [shuffled.items[n] for n in order[:batch]]
        bodies = (
            [shuffled.letters.body(*items)]
            if data.draw(st.booleans(), label="in one body")
            else [shuffled.letters.body(item) for item in items]
        )
        await take_in(database, *bodies)
        order = order[batch:]

    assert await _end(database, shuffled.letters.number) == await _end(database, told.letters.number)


_AGAIN: list[Deed] = [
    ("say", 0, "both", "text"),
    ("react", 0, "both", 1, "👍"),
    ("edit", 0, "both", 1, "a"),
    ("react", 0, "both", 1, "🥖"),
    ("edit", 0, "both", 1, "b"),
    ("say", 1, "phone", "image"),
    ("react", 1, "both", 1, "👍"),
    ("react", 1, "both", 1, None),
    ("move", 0, "both"),
    ("say", 0, "bsuid", "text"),
    ("edit", 0, "bsuid", 2, "c"),
    ("status", 0, "both", "read"),
    ("status", 0, "both", "sent"),
    ("echo", 1, "both"),
]
"""What hypothesis seldom makes up: several things said of the same message."""


async def test_what_is_said_again_of_one_message_ends_the_same_backwards_and_crosswise(database: Database) -> None:
    there = range(len(_AGAIN))
    ended = []
    for order in (there, there[::-1], [*there[1::2], *there[::2]]):
        stream = await _stream(database, _AGAIN)
        for n in order:
            await take_in(database, stream.letters.body(stream.items[n]))
        ended.append(await _end(database, stream.letters.number))
    assert ended[1:] == [ended[0]] * 2
