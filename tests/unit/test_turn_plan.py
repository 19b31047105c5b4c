"""What a look decides, without a database: hypothesis shuffles what may be open in a conversation."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from store.ids import new_id
from store.turn_plan import ROWS_PER_LOOK, Conversation, Open, Plan, Rules, plan

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RULES = Rules()
AT = Conversation(
    id=new_id(),
    organization_id=new_id(),
    integration_id=new_id(),
    in_charge="bot",
    in_charge_reason=None,
    in_charge_since=None,
    person_acted_at=None,
    window_opened_at=NOW - timedelta(hours=1),
    last_turn_no=3,
    integration_state="live",
    state_reason=None,
    enabled=True,
    phone_number_id="1",
    access_token_sealed=b"sealed",
    unknown_policy="ask",
    agent_flow_id=new_id(),
    agent_kind="echo",
    pause=timedelta(0),
    receipts=True,
    turn_id=None,
    turn_no=None,
    turn_state=None,
    too_many_turns=False,
    now=NOW,
)


def message(**columns: Any) -> Open:
    blank: dict[str, Any] = dict.fromkeys(Open.__dataclass_fields__)
    blank |= {"id": new_id(), "type": "text", "content": {"text": {"body": "hi"}}, "created_at": NOW, "attempt": 0}
    blank |= {"resends": 0, "unknown_policy": "ask"}
    return Open(**(blank | columns))


def inbound(said: str = "hi", *, ago: timedelta = timedelta(0), place: int = 0) -> Open:
    return message(
        direction="in",
        author="customer",
        state="received",
        content={"text": {"body": said}},
        meta_timestamp=NOW - ago,
        created_at=NOW - ago,
        webhook_event_id=1,
        place=place,
        wamid=f"wamid.{place}",
    )


def outbound(queue_no: int, **columns: Any) -> Open:
    return message(**({"direction": "out", "author": "api", "state": "queued", "queue_no": queue_no} | columns))


def decide(*opened: Open, at: Conversation = AT) -> Plan:
    return plan(at, list(opened), rules=RULES, turn_id=new_id())


def test_all_that_waits_when_a_turn_begins_belongs_to_it_in_metas_order() -> None:
    second, first = inbound("two", place=1), inbound("one", place=0)
    decided = decide(second, first)
    assert decided.new_turn is not None
    assert decided.new_turn.turn_no == 4
    assert decided.new_turn.taken == [first, second]
    assert [reply.content["text"]["body"] for reply in decided.replies] == ["one\ntwo"]
    assert decided.to_send == [reply.id for reply in decided.replies]


def test_a_remote_agent_is_asked_and_nothing_is_sent_before_it_answers() -> None:
    decided = decide(inbound(), at=replace(AT, agent_kind="http"))
    assert decided.new_turn is not None
    assert (decided.new_turn.state, decided.to_send, decided.pending) == ("asking", [], True)


def test_while_a_turn_is_open_no_second_one_begins() -> None:
    decided = decide(inbound(), at=replace(AT, agent_kind="http", turn_id=new_id(), turn_no=3, turn_state="asking"))
    assert (decided.new_turn, decided.kept, decided.pending) == (None, [], True)


def test_a_pause_is_waited_for_but_not_for_ever() -> None:
    at = replace(AT, pause=timedelta(milliseconds=400))
    waits = decide(inbound(ago=timedelta(milliseconds=100)), at=at)
    assert waits.new_turn is None
    assert waits.next_in == timedelta(milliseconds=300)
    typist = [inbound(ago=timedelta(milliseconds=100 * n), place=n) for n in range(30)]
    assert decide(*typist, at=at).new_turn is not None


def test_messages_are_kept_for_the_person_in_charge() -> None:
    decided = decide(inbound(), at=replace(AT, in_charge="person"))
    assert (decided.new_turn, len(decided.kept), decided.hand_over) == (None, 1, None)


def test_what_arrives_after_its_window_goes_to_a_person() -> None:
    decided = decide(inbound(), at=replace(AT, window_opened_at=NOW - timedelta(hours=25)))
    assert decided.new_turn is None
    assert decided.hand_over is not None


def test_too_many_bot_turns_hand_over_with_the_reason() -> None:
    decided = decide(inbound(), at=replace(AT, too_many_turns=True))
    assert decided.new_turn is None
    assert decided.hand_over == "More than 20 bot turns in 10 minutes: is this another bot?"


@pytest.mark.parametrize(("minutes", "handed_over"), [(59, False), (61, True)])
def test_what_could_not_be_answered_within_an_hour_goes_to_a_person(minutes: int, *, handed_over: bool) -> None:
    old, fresh = inbound(ago=timedelta(minutes=minutes), place=1), inbound(place=2)
    decided = decide(fresh, old)
    assert (decided.new_turn is None) is handed_over
    if handed_over:
        assert decided.kept == [old, fresh]
        assert decided.kept_reason == "Handed over: a message could not be answered within 1 hour."
        assert decided.hand_over == "A message could not be answered within 1 hour: what is to be said now?"
        assert decided.in_charge == "person"


def test_without_a_limit_an_old_message_is_the_bots_as_long_as_its_window_is_open() -> None:
    rules = replace(RULES, inbound_stale_after=timedelta(0))
    decided = plan(AT, [inbound(ago=timedelta(hours=23))], rules=rules, turn_id=new_id())
    assert decided.new_turn is not None


def test_a_message_that_waits_for_an_open_turn_is_not_handed_over_before_that_turn_has_ended() -> None:
    old = inbound(ago=timedelta(hours=2))
    decided = decide(old, at=replace(AT, agent_kind="http", turn_id=new_id(), turn_no=3, turn_state="asking"))
    assert (decided.kept, decided.hand_over) == ([], None)


def test_a_number_that_is_switched_off_leaves_messages_waiting() -> None:
    decided = decide(inbound(), outbound(1), at=replace(AT, enabled=False))
    assert (decided.new_turn, decided.kept, decided.to_send) == (None, [], [])
    assert decided.waiting_for == "the number to be enabled"
    assert not decided.pending


def test_a_row_in_flight_holds_up_what_is_behind_it_until_it_counts_as_lost() -> None:
    decided = decide(outbound(1, state="sending", claimed_at=NOW - timedelta(seconds=5)), outbound(2))
    assert decided.to_send == []
    assert decided.next_in == timedelta(seconds=15)


def test_an_unknown_outcome_holds_up_for_its_wait_and_not_longer() -> None:
    waits = decide(outbound(1, state="unknown", unknown_until=NOW + timedelta(seconds=60)), outbound(2))
    assert (waits.to_send, waits.next_in) == ([], timedelta(seconds=60))
    behind = outbound(2)
    asked = decide(outbound(1, state="unknown"), behind)
    assert asked.to_send == [behind.id]
    assert asked.waiting_for == "a person's decision on an unknown outcome"


def test_rows_of_a_held_number_are_not_pending_however_many_they_are() -> None:
    held = replace(AT, integration_state="held", window_opened_at=None)
    decided = decide(outbound(1), outbound(2), outbound(3), at=held)
    assert (decided.to_send, decided.pending, decided.waiting_for) == ([], False, "the number's release")


def test_replies_leave_after_what_was_queued_before_them() -> None:
    earlier = outbound(1)
    decided = decide(inbound(), earlier)
    assert decided.to_send == [earlier.id, decided.replies[0].id]


def test_an_open_window_is_waited_for_and_postgres_asks_a_minute_later() -> None:
    decided = decide()
    assert (decided.next_in, decided.next_why) == (timedelta(hours=23), "the 24-hour window closes")
    assert decided.due_in(timedelta(seconds=60)) == timedelta(hours=23, seconds=60)
    assert not decided.pending


def test_nothing_is_due_when_the_window_is_closed_and_nothing_is_open() -> None:
    decided = decide(at=replace(AT, window_opened_at=NOW - timedelta(hours=25)))
    assert (decided.next_in, decided.due_in(timedelta(seconds=60)), decided.pending) == (None, None, False)


def taken_over(
    ago: timedelta, *, acted: timedelta | None = None, window: timedelta = timedelta(hours=1)
) -> Conversation:
    """A person took over that long ago; the window was opened `window` ago."""
    acted_at = None if acted is None else NOW - acted
    return replace(
        AT, in_charge="person", in_charge_since=NOW - ago, person_acted_at=acted_at, window_opened_at=NOW - window
    )


def test_a_person_of_whom_nothing_comes_for_a_day_gives_the_bot_its_charge_back() -> None:
    waits = decide(at=taken_over(timedelta(hours=23)))
    assert (waits.in_charge, waits.next_in, waits.next_why) == (None, timedelta(hours=1), "the bot is in charge again")
    over = decide(inbound(), at=taken_over(timedelta(hours=24)))
    assert over.in_charge == "bot"
    assert over.give_back == "Given back to the bot: nothing came from a person for 24 hours."
    assert over.new_turn is not None, "the bot answers what waits"


def test_what_a_person_writes_keeps_the_charge() -> None:
    decided = decide(at=taken_over(timedelta(hours=40), acted=timedelta(hours=20)))
    assert (decided.in_charge, decided.next_in) == (None, timedelta(hours=4))


def test_at_the_close_of_its_window_a_conversation_is_the_bots_again() -> None:
    at = taken_over(timedelta(hours=3), window=timedelta(hours=23))
    assert decide(at=at).next_in == timedelta(hours=1)
    closed = decide(at=replace(at, window_opened_at=NOW - timedelta(hours=24)))
    assert closed.give_back == "Given back to the bot: the 24-hour window closed."


def test_who_took_over_after_the_window_had_closed_stays_in_charge() -> None:
    decided = decide(at=taken_over(timedelta(hours=1), window=timedelta(hours=30)))
    assert (decided.in_charge, decided.next_in) == (None, timedelta(hours=23))


def test_a_charge_ends_by_itself_only_as_the_settings_say() -> None:
    never = replace(RULES, give_back_after=timedelta(0), give_back_at_window_close=False)
    at = taken_over(timedelta(days=30), window=timedelta(hours=25))
    decided = plan(at, [inbound()], rules=never, turn_id=new_id())
    assert (decided.in_charge, decided.next_in, len(decided.kept)) == (None, None, 1)


def test_what_is_stale_when_the_bot_gets_the_conversation_back_is_a_persons_again() -> None:
    decided = decide(inbound(ago=timedelta(hours=2)), at=taken_over(timedelta(hours=25)))
    assert decided.give_back is not None
    assert decided.in_charge == "person"
    assert decided.next_in == timedelta(hours=23), "the window's close; the new charge would last a day"


def test_a_hand_over_is_looked_at_again_when_it_ends_by_itself() -> None:
    decided = decide(inbound(), at=replace(AT, window_opened_at=NOW - timedelta(hours=25)))
    assert decided.due_in(timedelta(seconds=60)) == timedelta(hours=24, seconds=60)


_rows = st.lists(
    st.one_of(
        st.builds(inbound, said=st.text(max_size=5), place=st.integers(0, 99)),
        st.builds(
            outbound,
            st.integers(1, 99),
            state=st.sampled_from(["queued", "sending", "unknown"]),
            hold=st.sampled_from([None, "slot", "pair", "back_off", "token"]),
            hold_since=st.just(NOW),
            hold_until=st.one_of(st.none(), st.integers(-9, 300).map(lambda s: NOW + timedelta(seconds=s))),
            claimed_at=st.just(NOW),
            unknown_until=st.one_of(st.none(), st.just(NOW + timedelta(seconds=50))),
        ),
    ),
    max_size=40,
)


@given(
    opened=_rows,
    in_charge=st.sampled_from(["bot", "person"]),
    enabled=st.booleans(),
    agent=st.sampled_from(["echo", "http"]),
)
def test_whatever_is_open_order_is_kept_and_nothing_waits_without_a_moment(
    *, opened: list[Open], in_charge: str, enabled: bool, agent: str
) -> None:
    decided = plan(
        replace(AT, in_charge=in_charge, enabled=enabled, agent_kind=agent), opened, rules=RULES, turn_id=new_id()
    )
    numbers = {row.id: row.queue_no or 0 for row in opened} | {reply.id: 1000 for reply in decided.replies}
    leaving = [numbers[message_id] for message_id in decided.to_send]
    assert leaving == sorted(leaving)
    assert len(leaving) <= ROWS_PER_LOOK
    assert not any(row.state == "sending" and (row.queue_no or 0) < number for row in opened for number in leaving)
    if decided.pending:
        assert decided.due_in(timedelta(seconds=60)) is not None
