"""A token dies while customers write: nothing fails, the number is checked at once, a new token sends all in order."""

from collections.abc import Awaitable, Callable

import httpx

from tests.faults.house import House, new_customers

_TOKEN = "EAAdying0001"


async def test_what_waits_for_a_new_token_leaves_in_order_when_the_api_stores_one(house: House) -> None:
    line = await house.connect(token=_TOKEN)
    (customer,) = new_customers(1)
    await house.exchange(customer, "hello")
    await house.simulator.change_tokens(token=_TOKEN, revoked=460)
    said = [f"line {n}" for n in range(4)]
    for n, words in enumerate(said):
        await house.says(customer, words)
        await house.until(_came(house, 2 + n), within=10, what="the webhook, whose order Meta does not promise")

    async def is_explained() -> bool:
        query = "SELECT 1 FROM findings WHERE integration_id = :line AND code = 'token_invalid' AND cleared_at IS NULL"
        return bool(await house.rows(query))

    await house.until(is_explained, within=10, what="the check that the refusal asked for tells why")
    assert set((await house.account())["refused"]) == {"190"}
    assert set(await house.states("out")) <= {"accepted", "queued"}

    new = await house.simulator.issue_token(line.waba_id)
    async with httpx.AsyncClient(base_url=house.stack.api_url, trust_env=False) as client:
        client.headers["Authorization"] = f"Bearer {line.api_key}"
        path = f"/api/v1/channels/whatsapp/integrations/{line.integration_id}"
        assert (await client.put(path, json={"access_token": new})).status_code == 200

    async def replied() -> list[str]:
        log = await house.simulator.conversation(line.phone_number_id, customer)
        return [words for reply in log["replies"][1:] for words in reply["content"]["body"].splitlines()]

    async def each_is_answered() -> bool:
        return len(await replied()) >= len(said)

    await house.until(each_is_answered, within=10, what="each line is answered, in one reply or in several")
    assert await replied() == said
    events = await house.rows(
        "SELECT type FROM events WHERE integration_id = :line AND type LIKE 'integration.%' ORDER BY created_at, id"
    )
    assert [event.type for event in events] == ["integration.held", "integration.live"]


def _came(house: House, count: int) -> Callable[[], Awaitable[bool]]:
    async def came() -> bool:
        return (await house.states("in")).total() == count

    return came
