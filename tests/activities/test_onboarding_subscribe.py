"""The app subscribed to the number's account: once, read back, and called ours only where we did it."""

from typing import Any, cast

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from store.errors import MetaUnavailableError
from store.integrations import verify_token_matches
from store.onboarding_answers import retry
from tests.activities.signup import DiedError, Signup
from tests.rows import KEYED_HASH, change
from tests.simulator.stage import served
from whatsapp.accounts import Accounts, Done


async def test_a_subscription_that_is_there_is_left_alone_and_not_called_ours(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.meta.add_waba(number.waba_id, subscribed=True)
    await signup.go(to="subscribe")
    assert await signup.meta.count("subscribe") == 0
    assert (await signup.row()).subscribed_by_us is False
    await signup.end()
    assert await signup.meta.count("unsubscribe") == 0


async def test_a_worker_that_dies_after_subscribing_has_subscribed_once_and_knows_that_it_did(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    with pytest.raises(DiedError):
        await signup.dying_after("subscribe").take("subscribe")
    assert (await signup.take("subscribe")).state == "done"
    assert await signup.meta.count("subscribe") == 1
    await signup.end()
    assert await signup.meta.count("unsubscribe") == 1


@pytest.mark.parametrize("fault", ["drop", "cut", "server_error"])
async def test_a_subscription_whose_answer_was_lost_is_found_and_not_made_twice(signup: Signup, fault: str) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    await signup.meta.add_fault(fault, call="subscribe", count=1)
    with pytest.raises(MetaUnavailableError):
        await signup.take("subscribe")
    told = await signup.step("subscribe")
    assert (told.state, told.attempts) == ("running", 1)
    assert told.says
    assert (await signup.take("subscribe")).state == "done"
    assert await signup.meta.count("subscribe") == 1


class Forgetful:
    """Meta's side when it says that it has done something and has not."""

    def __init__(self, accounts: Accounts, call: str) -> None:
        self._accounts = accounts
        self._call = call

    def __getattr__(self, name: str) -> Any:
        async def done(*_: Any, **__: Any) -> Done:
            return Done()

        return done if name == self._call else getattr(self._accounts, name)


@pytest.mark.parametrize(("call", "url"), [("subscribe", ""), ("set_number_callback", "https://own.example/hook")])
async def test_what_meta_says_it_has_done_is_read_back_before_it_is_believed(
    signup: Signup, call: str, url: str
) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    forgetful = signup.with_desk(accounts=cast("Accounts", Forgetful(signup.desk.accounts, call)))
    with pytest.raises(MetaUnavailableError, match="does not show it yet"):
        await forgetful.with_rules(callback_override_url=url).take("subscribe")
    assert (await signup.step("subscribe")).state == "running"


async def test_a_token_that_dies_between_steps_ends_the_onboarding_in_words(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="connect")
    await signup.meta.change_tokens(waba_id=number.waba_id, revoked=458)
    outcome = await signup.take("subscribe")
    assert (outcome.state, outcome.code) == ("failed", "token_invalid")
    await signup.end("failed", outcome.code, outcome.says)
    shown = await signup.shown()
    assert shown.error is not None
    assert (shown.state, shown.error.code) == ("failed", "token_invalid")
    assert "Start again" in shown.error.next_step


async def test_a_permission_that_is_gone_waits_for_its_repair(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    await signup.meta.add_fault("refuse", call="subscribed_apps", code=200, http_status=403, count=1)
    outcome = await signup.take("subscribe")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "retry")
    assert (await signup.step("subscribe")).meta_code == 200
    await retry(signup.database, **signup.names)
    assert (await signup.take("subscribe")).state == "done"


async def test_a_subscription_that_meta_refused_is_not_called_ours(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="connect")
    await signup.meta.add_fault("refuse", call="subscribe", code=200, http_status=403, count=1)
    outcome = await signup.take("subscribe")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "retry")
    await signup.meta.add_waba(number.waba_id, subscribed=True)  # by somebody else, meanwhile
    await signup.end()
    assert await signup.meta.count("unsubscribe") == 0


async def test_the_numbers_own_address_is_set_after_the_bare_subscription_and_read_back(signup: Signup) -> None:
    async def challenge(request: Request) -> Response:
        if not await verify_token_matches(signup.database, KEYED_HASH, request.query_params["hub.verify_token"]):
            return Response(status_code=403)
        return PlainTextResponse(request.query_params["hub.challenge"])

    number = await signup.prepared()
    async with served(Starlette(routes=[Route("/hook", challenge)])) as url:
        house = signup.with_rules(callback_override_url=f"{url}/hook")
        assert (await house.go(to="subscribe")).state == "done"
        assert (await signup.meta.number(number.phone_number_id))["override_callback_uri"] == f"{url}/hook"
        assert (await signup.integration()).callback_url == f"{url}/hook"
        await change(signup.database, "UPDATE onboarding_steps SET state = 'running' WHERE step = 'subscribe'")
        assert (await house.take("subscribe")).state == "done"
        assert await signup.meta.count("change_number") == 1


async def test_an_address_that_meta_cannot_verify_waits_for_its_repair(signup: Signup) -> None:
    await signup.prepared()
    async with served(Starlette(routes=[])) as url:
        house = signup.with_rules(callback_override_url=f"{url}/hook")
        outcome = await house.go(to="subscribe")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "retry")
    assert f"{url}/hook" in ((await signup.step("subscribe")).next_step or "")
