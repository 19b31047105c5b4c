"""Tokens that end: renewed from 20 days before where Meta allows it, else told 14, 7 and 1 days before."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store import checks
from store.checks import NumberToCheck
from store.engine import Database
from store.integrations import open_token, replace_token
from tests.activities.checked import CheckHouse, ReplacesTheToken, check_house
from tests.rows import RING
from tests.simulator.stage import APP_ID
from whatsapp.accounts import Accounts


async def _ends_in(house: CheckHouse, **life: float) -> None:
    seconds = timedelta(**life).total_seconds()
    await house.meta.client.change_tokens(phone_number_id=house.number.phone_number_id, seconds=seconds)


async def _no_renewal(house: CheckHouse) -> None:
    await house.meta.client.add_fault("refuse", call="renew", code=100)


async def _token(house: CheckHouse) -> str:
    integration = await house.integration()
    return open_token(RING, integration.access_token_sealed, integration.id)


async def test_a_token_that_ends_within_twenty_days_is_renewed(database: Database) -> None:
    async with check_house(database) as house:
        await _ends_in(house, days=19)
        checked = await house.check()
        token, integration = await _token(house), await house.integration()
        assert (await house.check()).repaired == []
        assert await house.meta.client.count("renew") == 1
        (told,) = await house.told()
    assert (checked.state, checked.found, checked.repaired) == ("live", [], ["token_renewed"])
    assert token != house.number.token
    assert integration.access_token_last4 == token[-4:]
    assert integration.access_token_expires_at > datetime.now(UTC) + timedelta(days=50)
    assert (told.type, told.data["code"], told.data["repaired"]) == ("finding.opened", "token_renewed", True)
    assert token not in str(told.data)


@pytest.mark.parametrize("life", [{"days": 21}, {"days": 59}])
async def test_a_token_that_lives_longer_is_left_alone(database: Database, life: dict[str, float]) -> None:
    async with check_house(database) as house:
        await _ends_in(house, **life)
        assert (await house.check()).found == []
        assert await house.meta.client.count("renew") == 0
        assert await _token(house) == house.number.token


async def test_where_meta_does_not_renew_the_end_is_told_once_at_each_stage(database: Database) -> None:
    async with check_house(database) as house:
        await _no_renewal(house)
        for days in (15.5, 13.5, 13.4, 6.5, 6.4, 0.9, 0.8):
            await _ends_in(house, days=days)
            assert (await house.check()).found == ([] if days > 14 else ["token_expires"])
        told = await house.told()
        (finding,) = await house.findings()
        assert await _token(house) == house.number.token
    assert [event.type for event in told] == ["token.expiring"] * 3
    assert [event.data["severity"] for event in told] == ["notice", "warning", "error"]
    assert [event.data["days_left"] for event in told] == [14, 7, 1]
    assert "Meta did not renew it" in finding.says


async def test_a_warning_of_the_end_is_cleared_by_a_new_token(database: Database) -> None:
    async with check_house(database) as house:
        await _no_renewal(house)
        await _ends_in(house, days=6)
        await house.check()
        await house.meta.client.end_faults()
        checked = await house.check()
        assert (checked.repaired, checked.cleared) == (["token_renewed"], ["token_expires"])
        assert await house.findings(open_only=True) == []


@pytest.mark.parametrize(
    "spoil",
    [{"revoked": 460}, {"app_id": "7"}, {"remove_scopes": ["whatsapp_business_messaging"]}, {"seconds": 3600}],
    ids=str,
)
async def test_the_old_token_is_kept_when_meta_does_not_accept_the_new_one(
    database: Database, spoil: dict[str, Any]
) -> None:
    async with check_house(database, accounts=_Spoiling) as house:
        spoiling = house.activities.meta
        assert isinstance(spoiling, _Spoiling)
        spoiling.begin(house, spoil)
        await _ends_in(house, days=19)
        checked = await house.check()
        assert (checked.state, checked.repaired) == ("live", [])
        assert await _token(house) == house.number.token


class _Spoiling:
    """Meta's side, where a renewed token is at once not what it should be."""

    def __init__(self, accounts: Any) -> None:
        self._accounts = accounts

    def begin(self, house: CheckHouse, spoil: dict[str, Any]) -> None:
        self._house, self._spoil = house, spoil

    def __getattr__(self, name: str) -> Any:
        return getattr(self._accounts, name)

    async def renew_token(self, token: str) -> Any:
        new = await self._accounts.renew_token(token)
        await self._house.meta.client.change_tokens(token=new.access_token, **self._spoil)
        return new


async def test_an_expired_token_is_dead(database: Database) -> None:
    async with check_house(database) as house:
        await _no_renewal(house)
        await _ends_in(house, days=0.5)
        await house.check()
        await house.meta.client.move_clock(timedelta(days=1))
        checked = await house.check()
    assert (checked.state, checked.found, checked.cleared) == ("held", ["token_invalid"], ["token_expires"])
    assert APP_ID not in checked.says


async def test_a_renewed_token_never_takes_the_place_of_one_that_came_meanwhile(database: Database) -> None:
    async with check_house(database) as house:
        asked_with = await checks.read_number(database, house.number.integration_id)
        assert asked_with is not None
        ids: dict[str, Any] = {
            "organization_id": house.number.organization_id,
            "integration_id": house.number.integration_id,
        }
        await replace_token(database, RING, **ids, access_token="a person's own")
        assert not await _renewed(database, asked_with)
        assert await _token(house) == "a person's own"


async def test_a_renewed_token_is_not_given_to_a_number_that_was_disconnected_meanwhile(database: Database) -> None:
    async with check_house(database) as house:
        asked_with = await checks.read_number(database, house.number.integration_id)
        assert asked_with is not None
        await house.hold("disconnected", "")
        assert not await _renewed(database, asked_with)
        assert await _token(house) == house.number.token


async def _renewed(database: Database, number: NumberToCheck) -> bool:
    return await checks.replace_renewed_token(
        database, RING, number, access_token="renewed", token_type=None, expires_at=None, scopes=[]
    )


async def test_a_token_that_is_replaced_while_its_renewal_is_asked_for_stays_and_is_looked_at_itself(
    database: Database,
) -> None:
    replaced: list[ReplacesTheToken] = []

    def watched(made: Accounts) -> ReplacesTheToken:
        replaced.append(ReplacesTheToken(made))
        return replaced[0]

    async with check_house(database, accounts=watched) as house:
        await _ends_in(house, days=19)
        new = await house.meta.client.issue_token(house.number.waba_id)
        replaced[0].begin(house, new)
        checked = await house.check()
        assert await _token(house) == new
    assert (checked.state, checked.found, checked.repaired) == ("live", [], [])
