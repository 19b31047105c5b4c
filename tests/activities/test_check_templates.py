"""A number's check reads the templates of its account."""

from datetime import timedelta
from typing import Any

import pytest

from store import outcomes
from store.claims import Claimed, claim
from store.consequences import Attempted, Trouble
from store.engine import Database
from store.errors import MetaUnavailableError
from store.outcomes import Refusal
from tests.activities.checked import CheckHouse, check_house
from tests.rows import change, conversation, queued
from tests.templates import BODY, template_row
from whatsapp.accounts import Accounts
from whatsapp.calls import Failure, NotWritten
from whatsapp.errors import classify
from whatsapp.template_calls import TemplateCalls


async def names(house: CheckHouse) -> list[str]:
    return [one.name for one in await house.rows("SELECT name FROM templates WHERE NOT deleted ORDER BY name")]


async def account(house: CheckHouse) -> Any:
    (found,) = await house.rows("SELECT templates_synced_at, templates_says FROM wabas")
    return found


async def test_all_pages_of_an_accounts_templates_are_read(database: Database) -> None:
    async with check_house(database) as house:
        for place in range(230):
            await house.meta.client.add_template(house.number.waba_id, f"news_{place:03}", "en", [BODY])
        checked = await house.check()
        calls = await house.meta.client.calls("templates", house.number.waba_id)
    assert checked.found == []
    assert await names(house) == [f"news_{place:03}" for place in range(230)]
    assert len(calls) == 3
    assert (await account(house)).templates_synced_at is not None


async def test_a_template_that_is_deleted_at_meta_is_gone_with_the_next_check(database: Database) -> None:
    async with check_house(database) as house:
        waba_id = house.number.waba_id
        for name in ("kept", "gone"):
            await house.meta.client.add_template(waba_id, name, "en", [BODY])
        await house.check()
        await house.meta.client.decide_template(waba_id, "gone", "en", "DELETED", tell=False)
        await house.check()
    assert await names(house) == ["kept"]
    assert [one.data["status"] for one in await house.told("template.status_changed")] == ["DELETED"]


async def test_a_refused_message_has_the_templates_read_by_the_check_that_it_asks_for(database: Database) -> None:
    async with check_house(database) as house:
        waba_id = house.number.waba_id
        await house.meta.client.add_template(waba_id, "shipped", "en_US", [BODY])
        await house.check()
        await change(database, "UPDATE wabas SET templates_synced_at = templates_synced_at - interval '1 hour'")
        await house.meta.client.decide_template(waba_id, "shipped", "en_US", "PAUSED", tell=False)
        await _refused(house, 132015)
        asked = await house.integration()
        await house.check()
    assert asked.check_due_at is not None
    assert (await template_row(database)).status == "PAUSED"
    assert (await house.integration()).check_due_at is None


async def _refused(house: CheckHouse, code: int) -> None:
    """A message was refused by Meta with this code."""
    conversation_id = await conversation(house.database, house.number)
    claimed = await claim(house.database, await queued(house.database, house.number, conversation_id))
    assert isinstance(claimed, Claimed)
    verdict = classify(code)
    of = Attempted(claimed.message_id, claimed.conversation_id, claimed.attempt)
    trouble = Trouble(house.number.organization_id, house.number.integration_id, verdict, code, "why", "answer", of)
    refusal = Refusal(400, code, None, verdict.error_class, "why")
    await outcomes.failed(house.database, claimed, refusal, why="why", wake=False, trouble=trouble)


async def test_templates_that_cannot_be_read_at_the_moment_are_tried_again_and_the_rest_of_the_check_stands(
    database: Database,
) -> None:
    async with check_house(database) as house:
        await house.meta.client.add_fault(kind="refuse", call="templates", code=2, count=1)
        with pytest.raises(MetaUnavailableError):
            await house.check()
        assert (await house.integration()).checked_at is not None
        assert (await account(house)).templates_synced_at is None
        await house.check()
    assert (await account(house)).templates_synced_at is not None


async def test_templates_that_meta_refuses_for_its_rate_are_read_when_it_is_over_and_the_check_is_not_repeated(
    database: Database,
) -> None:
    async with check_house(database) as house:
        await house.meta.client.add_fault(kind="refuse", call="templates", code=80007, seconds=300, count=1)
        checked = await house.check()
        put_off, says = await house.integration(), (await account(house)).templates_says
        await house.check()
        read = await house.integration()
    assert (checked.state, checked.found) == ("live", [])
    assert timedelta(minutes=4) < put_off.check_due_at - put_off.checked_at <= timedelta(minutes=6)
    assert says == "Meta does not show the templates now: The WhatsApp account's limit on calls is reached."
    assert read.check_due_at is None
    assert (await account(house)).templates_synced_at is not None
    assert (await account(house)).templates_says is None


async def test_templates_that_are_not_asked_for_near_metas_limit_are_read_when_it_is_over(database: Database) -> None:
    class NearTheLimit(TemplateCalls):
        """Meta's side, of whose limit too much is used."""

        async def of_account(self, *_: str) -> Failure:
            return NotWritten("95 % of Meta's limit on calls is used", put_off=timedelta(minutes=20))

    class Limited:
        def __init__(self, accounts: Accounts) -> None:
            self._accounts, self.templates = accounts, NearTheLimit(accounts.templates.graph)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._accounts, name)

    async with check_house(database, accounts=Limited) as house:
        await house.check()
        put_off = await house.integration()
        says = (await account(house)).templates_says
    assert timedelta(minutes=19) < put_off.check_due_at - put_off.checked_at <= timedelta(minutes=21)
    assert says == "Meta does not show the templates now: 95 % of Meta's limit on calls is used."


async def test_templates_that_meta_does_not_show_are_said_with_the_account(database: Database) -> None:
    async with check_house(database) as house:
        await house.meta.client.add_fault(kind="refuse", call="templates", code=200, count=1)
        checked = await house.check()
        kept = await account(house)
    assert checked.state == "live"
    assert kept.templates_says.startswith("Meta does not show the templates")


async def test_a_number_whose_token_is_dead_reads_no_templates(database: Database) -> None:
    async with check_house(database) as house:
        await house.meta.client.change_tokens(phone_number_id=house.number.phone_number_id, revoked=460)
        await house.check()
        assert await house.meta.client.calls("templates") == []
