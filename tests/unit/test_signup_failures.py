from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum

import pytest

from whatsapp.calls import UNUSABLE_TOKEN, Failure, Lost, NotWritten, Refused
from whatsapp.signup_failures import (
    CallFailure,
    ExchangeFailure,
    RegisterFailure,
    SubscribeFailure,
    SyncFailure,
    call_failure,
    exchange_failure,
    register_failure,
    register_wait,
    subscribe_failure,
    sync_failure,
)


def refused(code: int | None, detail: str = "", *, subcode: int | None = None, status: int = 400) -> Refused:
    return Refused(status, code, subcode=subcode, detail=detail)


ANY_CALL = pytest.mark.parametrize(
    ("failure", "meant"),
    [
        (NotWritten("x"), CallFailure.NOT_WRITTEN),
        (Lost("x"), CallFailure.LOST),
        (UNUSABLE_TOKEN, CallFailure.TOKEN),
        (refused(190, subcode=458), CallFailure.TOKEN),
        (refused(100, subcode=33), CallFailure.PERMISSION),
        (refused(200), CallFailure.PERMISSION),
        (refused(100, "Invalid appsecret_proof provided"), CallFailure.APP),
        (refused(80007), CallFailure.PASSES),
        (refused(None, status=429), CallFailure.PASSES),
        (refused(2, status=503), CallFailure.LOST),
        (refused(368), CallFailure.REFUSED),
        (refused(999999), CallFailure.REFUSED),
    ],
)


@ANY_CALL
def test_any_call_fails_in_one_of_seven_ways(failure: Failure, meant: CallFailure) -> None:
    assert call_failure(failure) is meant


@ANY_CALL
@pytest.mark.parametrize("of_its_kind", [exchange_failure, register_failure, subscribe_failure, sync_failure])
def test_each_kind_of_call_can_fail_like_any_other(
    of_its_kind: Callable[[Failure], StrEnum], failure: Failure, meant: CallFailure
) -> None:
    assert of_its_kind(failure) is meant


def test_no_kind_has_a_name_for_what_any_call_can_fail_with() -> None:
    kinds = (ExchangeFailure, RegisterFailure, SubscribeFailure, SyncFailure)
    assert {one.value for one in CallFailure} & {one.value for kind in kinds for one in kind} == set()


@pytest.mark.parametrize(
    ("failure", "meant"),
    [
        (refused(100, subcode=36007), ExchangeFailure.EXPIRED),
        (refused(100, subcode=36009), ExchangeFailure.USED),
        (refused(100, "make sure your redirect_uri is identical"), ExchangeFailure.REDIRECT),
        (refused(1, "Error validating client secret."), CallFailure.APP),
        (refused(101, "Error validating application."), CallFailure.APP),
        (refused(1), CallFailure.LOST),
        (refused(4), CallFailure.PASSES),
        (refused(100), CallFailure.REFUSED),
        (NotWritten("x"), CallFailure.NOT_WRITTEN),
    ],
)
def test_a_code_is_not_exchanged_for_these_reasons(failure: Failure, meant: ExchangeFailure) -> None:
    assert exchange_failure(failure) is meant


@pytest.mark.parametrize(
    ("failure", "meant"),
    [
        (refused(133005), RegisterFailure.WRONG_PIN),
        (refused(131031), RegisterFailure.WRONG_PIN),
        (refused(133008), RegisterFailure.TOO_MANY_PINS),
        (refused(133009), RegisterFailure.TOO_FAST),
        (refused(133015), RegisterFailure.NUMBER_DELETED),
        (refused(133016), RegisterFailure.LOCKED_OUT),
        (refused(133006), RegisterFailure.NOT_VERIFIED),
        (refused(133000), RegisterFailure.DEREGISTER_FIRST),
        (refused(100), RegisterFailure.READ_NUMBER),
        (refused(133999), RegisterFailure.READ_NUMBER),
        (refused(100, subcode=33), CallFailure.PERMISSION),
        (refused(133004, status=503), CallFailure.LOST),
        (refused(190), CallFailure.TOKEN),
        (refused(80007), CallFailure.PASSES),
        (Lost("x"), CallFailure.LOST),
    ],
)
def test_a_number_is_not_registered_for_these_reasons(failure: Failure, meant: RegisterFailure) -> None:
    assert register_failure(failure) is meant


@pytest.mark.parametrize(
    ("failure", "wait"),
    [
        (refused(133008, "Too many guesses. Try again in 25 minutes."), timedelta(minutes=25)),
        (refused(133008), timedelta(hours=1)),
        (refused(133009, "wait 90 seconds"), timedelta(seconds=90)),
        (refused(133015), timedelta(minutes=5)),
        (refused(133016, "10 requests within 3 days"), timedelta(hours=72)),
        (refused(133005, "after 3 hours"), None),
    ],
)
def test_registering_waits_as_metas_words_tell(failure: Refused, wait: timedelta | None) -> None:
    assert register_wait(failure) == wait


@pytest.mark.parametrize(
    ("failure", "meant"),
    [
        (
            refused(100, "Before override the current callback uri, your app must be subscribed to receive messages"),
            SubscribeFailure.BARE_FIRST,
        ),
        (refused(2200, "Callback verification failed: HTTP 403"), SubscribeFailure.CALLBACK),
        (refused(200), CallFailure.PERMISSION),
        (NotWritten("x"), CallFailure.NOT_WRITTEN),
    ],
)
def test_an_app_is_not_subscribed_for_these_reasons(failure: Failure, meant: SubscribeFailure) -> None:
    assert subscribe_failure(failure) is meant


@pytest.mark.parametrize(
    ("failure", "meant"),
    [
        (refused(2593107), SyncFailure.USED),
        (refused(2593108), SyncFailure.TOO_LATE),
        (refused(2593109), SyncFailure.DECLINED),
        (refused(190), CallFailure.TOKEN),
    ],
)
def test_a_sync_does_not_come_for_these_reasons(failure: Failure, meant: SyncFailure) -> None:
    assert sync_failure(failure) is meant
