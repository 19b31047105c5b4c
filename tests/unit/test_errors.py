from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from whatsapp.error_table import RANGES, RULES
from whatsapp.errors import ErrorClass, classify

LISTED = (
    0, 1, 2, 3, 4, 10, 17, 32, 33, 100, 102, 104, 190, 200, 210, 299, 341, 368, 613, 80007, 130403, 130429, 130472,
    130497, 131000, 131005, 131008, 131009, 131016, 131021, 131026, 131030, 131031, 131037, 131042, 131044, 131045,
    131047, 131048, 131049, 131050, 131051, 131052, 131053, 131055, 131056, 131057, 131060, 131062, 131063, 131064,
    131208, 131215, 132000, 132001, 132005, 132007, 132008, 132012, 132015, 132016, 132018, 132068, 132069, 133000,
    133004, 133005, 133006, 133008, 133009, 133010, 133015, 133016, 134011, 134100, 134101, 134102, 135000, 136024,
    137000, 138006, 139000, 139004, 139100, 139103, 139200, 141000, 141006, 141010, 147001, 147005, 2388012, 2388019,
    2388039, 2388040, 2388047, 2388091, 2388293, 2388299, 2494100, 2593107, 2593109,
)  # fmt: skip


@pytest.mark.parametrize("code", LISTED)
def test_every_code_of_metas_that_is_known_has_a_row(code: int) -> None:
    assert code in RULES or any(code in codes for codes, _ in RANGES)
    assert classify(code).error_class is not ErrorClass.OTHER or code == 141000


@pytest.mark.parametrize("code", [130429, 131056, 80007, 4, 131057, 17, 131049])
def test_what_meta_refused_for_sure_is_sent_again(code: int) -> None:
    assert classify(code).kind == "retry"


@pytest.mark.parametrize("code", [1, 2, 131000, 131016, 133004])
def test_what_meta_leaves_open_is_unknown_and_not_sent_again_blindly(code: int) -> None:
    assert classify(code).kind == "unknown"


@pytest.mark.parametrize("code", [1, 131000, 424242])
def test_a_failed_status_leaves_nothing_open(code: int) -> None:
    assert classify(code, is_transient=True, certain=True).kind == "retry"
    assert classify(131047, certain=True).kind == "permanent"


@pytest.mark.parametrize(
    ("code", "hold"),
    [
        (190, "token"),
        (0, "token"),
        (102, "token"),
        (3, "permission"),
        (10, "permission"),
        (200, "permission"),
        (299, "permission"),
        (131005, "permission"),
        (133010, "stopped"),
        (131042, "stopped"),
        (368, "stopped"),
        (131031, "stopped"),
    ],
)
def test_what_is_wrong_with_the_number_holds_it_and_fails_no_message(code: int, hold: str) -> None:
    verdict = classify(code)
    assert (verdict.kind, verdict.hold) == ("hold", hold)


@pytest.mark.parametrize("code", [131026, 131030, 131047, 132001, 133016, 131051, 33, 100, 130472])
def test_what_would_fail_again_fails_at_once_and_holds_nothing(code: int) -> None:
    verdict = classify(code)
    assert (verdict.kind, verdict.hold) == ("permanent", None)


def test_100_is_judged_by_its_subcode_and_words() -> None:
    assert classify(100, subcode=33).hold == "permission"
    assert classify(100, detail="Object cannot be loaded due to missing permissions").hold == "permission"
    assert classify(100, detail="Invalid appsecret_proof provided in the API argument").hold == "app"
    assert "sign-in" in classify(100, subcode=36009).meaning
    assert classify(100, subcode=2494010).kind == "permanent"


def test_a_dead_token_says_what_killed_it() -> None:
    meanings = {classify(190, subcode=subcode).meaning for subcode in (None, 458, 460, 463, 467)}
    assert len(meanings) == 5


def test_the_pair_limit_waits_metas_powers_of_four() -> None:
    verdict = classify(131056)
    assert [verdict.delay(attempt).total_seconds() for attempt in (1, 2, 3, 4)] == [1, 4, 16, 64]


def test_a_marketing_message_that_was_held_back_never_goes_out_again_within_a_day() -> None:
    assert all(classify(131049).delay(attempt) >= timedelta(hours=24) for attempt in range(10))


def test_limits_on_calls_wait_minutes_and_the_throughput_a_second() -> None:
    assert classify(4).delay(1) == classify(80007).delay(1) == timedelta(minutes=1)
    assert classify(130429).delay(1) == timedelta(seconds=1)


@pytest.mark.parametrize(
    ("http_status", "is_transient", "kind"),
    [(400, False, "permanent"), (400, True, "unknown"), (500, False, "unknown"), (None, False, "permanent")],
)
def test_an_unknown_code_is_repeated_only_where_meta_calls_it_its_own(
    http_status: int | None, kind: str, *, is_transient: bool
) -> None:
    assert classify(987654, http_status=http_status, is_transient=is_transient).kind == kind


def test_a_listed_code_is_not_overruled_by_an_http_status() -> None:
    assert classify(131047, http_status=500).kind == "permanent"
    assert classify(130429, http_status=500).kind == "retry"


def test_an_answer_without_a_code_is_judged_by_its_http_status() -> None:
    assert classify(None, http_status=429).kind == "retry"
    assert classify(None, http_status=404).kind == "permanent"
    assert classify(None, http_status=503).kind == "unknown"


@given(st.integers(-5, 3_000_000), st.integers(-3, 10**6))
def test_every_code_has_a_meaning_a_next_step_and_a_bounded_wait(code: int, attempt: int) -> None:
    verdict = classify(code)
    assert verdict.meaning.endswith(".")
    assert verdict.next_step.endswith((".", "…"))
    assert timedelta(0) < verdict.delay(attempt) <= timedelta(days=4)
    assert (verdict.hold is not None) == (verdict.kind == "hold")
