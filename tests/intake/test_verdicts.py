from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from store.transitions import Delivery, State
from store.verdicts import Attempt, Row, Told, judge
from tests.intake.letters import ago

UNDELIVERABLE, LIMIT, PAYMENT, DEAD_TOKEN, PER_USER, FILE = 131026, 130429, 131042, 190, 131049, 131053

_told = st.builds(
    lambda said, second: Told(1, "wamid.1", said[0], ago(minutes=5) + timedelta(seconds=second), said[1]),
    st.sampled_from(
        [
            *((name, None) for name in ("sent", "delivered", "read", "played")),
            *(("failed", code) for code in (UNDELIVERABLE, LIMIT, PAYMENT, DEAD_TOKEN, PER_USER, FILE)),
        ]
    ),
    st.integers(0, 3),
)
_rows = st.sampled_from(
    [
        Row(State.SENDING, 1, Delivery.NONE),
        Row(State.UNKNOWN, 1, Delivery.NONE),
        Row(State.ACCEPTED, 1, Delivery.NONE, "wamid.1"),
    ]
)


def _fold(before: Row, told: list[Told]) -> tuple[Row, tuple[Attempt, ...], str | None]:
    now, hold = before, None
    attempts: tuple[Attempt, ...] = (
        Attempt(1, "accepted" if before.state is State.ACCEPTED else "posting", before.wamid),
    )
    for n in range(len(told)):
        judged = judge(now, attempts, told[: n + 1], own_file=True)
        hold = judged.held.hold if judged.held else (hold if judged.row.state is State.QUEUED else None)
        now, attempts = judged.row, judged.attempts
    return now, attempts, hold


@given(before=_rows, told=st.lists(_told, min_size=1, max_size=6), data=st.data())
@settings(max_examples=1000, deadline=None)
def test_statuses_in_any_order_and_number_end_the_same(before: Row, told: list[Told], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations([*told, *data.draw(st.lists(st.sampled_from(told), max_size=3))]))
    ended = _fold(before, told)
    assert _fold(before, shuffled) == ended
    reached = max(
        (Delivery(one.status) for one in told if one.code is None), key=lambda d: d.rank, default=before.delivery
    )
    assert ended[0].delivery is reached
    if reached.rank >= Delivery.DELIVERED.rank:
        assert (ended[0].state, ended[0].error_code, ended[2]) == (State.ACCEPTED, None, None)


def test_a_message_is_called_by_the_attempt_that_was_not_refused() -> None:
    row = Row(State.SENDING, 2, Delivery.NONE, "wamid.1", LIMIT)
    attempts = [Attempt(1, "rejected", "wamid.1", LIMIT), Attempt(2, "posting", None)]
    refused = Told(1, "wamid.1", "failed", ago(minutes=5), LIMIT)
    assert judge(row, attempts, [refused]).row.wamid == "wamid.1"
    heard = judge(row, attempts, [refused, Told(2, "wamid.2", "sent", ago(minutes=4))])
    assert (heard.row.state, heard.row.wamid) == (State.ACCEPTED, "wamid.2")
