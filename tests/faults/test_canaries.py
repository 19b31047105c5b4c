"""No secret and no content in Temporal, in logs or in metrics, provoked errors included: canaries tell."""

import asyncio
import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
from aiohttp import web
from google.protobuf.json_format import MessageToJson

from tests.faults.conftest import OpenHouse
from tests.faults.house import House
from tests.unit.servers import http_server

TOKEN = "EAAcanarytoken7f3a91"
APP_SECRET = "canaryappsecret5c80d2"
WORDS = "canarywords4e19b6"
"""Part of all that customer, agent, Meta and the business's own software say."""
NAME = "Canaryname Ofacustomer"
CUSTOMER = "4917044556677"
AGENT_SECRET = "whsec_" + base64.b64encode(b"canaryagentsecret-canary").decode()
CANARIES = (TOKEN, APP_SECRET, WORDS, NAME, CUSTOMER, AGENT_SECRET, AGENT_SECRET.removeprefix("whsec_"))
_BASE64 = re.compile(r"[A-Za-z0-9+/]{16,}={0,2}")


@dataclass(slots=True)
class Agent:
    """The business's own agent: answers as it is told next, well by default."""

    next_answers: list[tuple[int, Any]] = field(default_factory=list)
    asked: int = 0

    async def answer(self, _: web.BaseRequest) -> web.Response:
        self.asked += 1
        good = {"replies": [{"type": "text", "text": {"body": f"reply {WORDS}"}}]}
        status, body = self.next_answers.pop(0) if self.next_answers else (200, good)
        return web.Response(status=status, text=body if isinstance(body, str) else json.dumps(body))


async def test_no_canary_is_in_any_history_attribute_log_or_metric_after_a_conversation_with_every_error(
    open_house: OpenHouse,
) -> None:
    environment = {"META_APP_SECRET": APP_SECRET, "LOG_LEVEL": "debug"}
    house = await open_house("postgres", "temporal", environment=environment)
    agent = Agent()
    async with http_server(agent.answer) as url:
        await house.connect(
            kind="http", url=f"{url}/{WORDS}", secret=AGENT_SECRET, token=TOKEN, pause=timedelta(seconds=0.05)
        )
        await _says(house, "hello")
        await house.answered(within=20)
        await _provoke_the_agent(house, agent)
        await _provoke_graph(house)
        await _provoke_the_edge(house)
        await _provoke_postgres(house)
        await _provoke_defects(house)
    metrics = await _metrics(house)
    histories = await _histories(house)
    await _is_where_it_belongs(house)
    for part in ("worker", "api", "temporal"):
        await house.supervisor.stop(part)
    found = {where: canaries for where, text in _everything(house, metrics, histories) if (canaries := _in(text))}
    assert found == {}


async def _says(house: House, words: str) -> None:
    await house.simulator.customer_says(house.line.phone_number_id, CUSTOMER, f"{words} {WORDS}", name=NAME)


async def _provoke_the_agent(house: House, agent: Agent) -> None:
    """No JSON, wrong shapes with content in every place, refusals, a URL that leads nowhere."""
    bad: list[tuple[int, Any]] = [
        (200, f"no JSON: {WORDS} {CUSTOMER}"),
        (200, {"replies": WORDS}),
        (200, {"replies": [{"type": WORDS, "text": {"body": WORDS}}]}),
        (200, {"replies": [{"type": "text", "text": {"body": 7, WORDS: WORDS}}]}),
        (200, {"replies": [{"type": "text", WORDS: 1, "text": {"body": WORDS}}]}),
        (400, WORDS),
        (500, WORDS),
    ]
    for number, answer in enumerate(bad):
        agent.next_answers.append(answer)
        asked = agent.asked
        await _says(house, f"question {number}")
        await house.until(_asked_more(agent, asked), within=10, what="the agent is asked")
        await house.until(lambda: _no_turn_is_open(house), within=20, what="the turn has ended")
    failed = await house.rows(
        "SELECT 1 FROM turns t JOIN conversations c ON c.id = t.conversation_id "
        "WHERE c.integration_id = :line AND t.state = 'failed'"
    )
    assert len(failed) == len(bad) - 1, "every answer but the repeated 500 is a failure of its turn"


def _asked_more(agent: Agent, than: int) -> Any:
    async def met() -> bool:
        return agent.asked > than

    return met


async def _no_turn_is_open(house: House) -> bool:
    query = (
        "SELECT 1 FROM conversations c LEFT JOIN turns t ON t.conversation_id = c.id AND t.state = 'asking' "
        "WHERE c.integration_id = :line AND (t.id IS NOT NULL "
        "OR EXISTS (SELECT FROM messages m WHERE m.conversation_id = c.id AND m.state = 'received'))"
    )
    return await house.rows(query) == []


async def _provoke_graph(house: House) -> None:
    """Refusals for good, to be repeated and unknown, at once and late, with content and numbers in Meta's own words."""
    details = f"The message {WORDS} to +{CUSTOMER} with {TOKEN} could not be sent"
    refusals = [("refuse", code) for code in (100, 130429, 131009, 999_999)]
    faults = [*refusals, ("fail", 131026), ("drop", None), ("cut", None), ("server_error", None)]
    for fault in faults:
        kind, code = fault
        await house.simulator.add_fault(kind, code=code, count=1, details=details)
        await _says(house, f"{kind} {code}")
        await house.until(_hit(house), within=10, what=f"the fault hits: {fault}")
        await house.simulator.end_faults()
    await house.until(lambda: _at_rest(house), within=20, what="rows are at rest")
    await house.simulator.change_number(house.line.phone_number_id, revoked=True)
    await _says(house, "revoked")
    await house.until(lambda: _is(house, "held"), within=10, what="the number is held")


def _hit(house: House) -> Any:
    async def met() -> bool:
        return bool((await house.simulator.faults())[0]["hits"])

    return met


async def _at_rest(house: House) -> bool:
    return not {"queued", "sending", "unknown"} & set(await house.states("out")) and await _no_turn_is_open(house)


async def _is(house: House, state: str) -> bool:
    (row,) = await house.rows("SELECT state FROM integrations WHERE id = :line")
    return bool(row.state == state)


async def _provoke_the_edge(house: House) -> None:
    """Bodies nobody can read, forged ones, requests of the business's software that are refused."""
    body = f'{{"object": "whatsapp_business_account", "entry": ["{WORDS} {CUSTOMER}'.encode()
    assert await house.simulator.send_raw(body) == [200]
    assert await house.simulator.send_raw(body, signature="wrong") == [403]
    orders: list[dict[str, Any]] = [
        {"to": f"+{CUSTOMER}", "type": "text", "text": {"body": 7, WORDS: WORDS}},
        {"to": f"+{CUSTOMER} {WORDS}", "type": WORDS},
        {"to": f"+{CUSTOMER}", "type": "text", "text": {"body": f"from the business {WORDS}"}},
    ]
    path = "/api/v1/whatsapp/send-message"
    async with httpx.AsyncClient(base_url=house.stack.api_url, trust_env=False) as client:
        assert (
            await client.post(path, json=orders[0], headers={"Authorization": f"Bearer {TOKEN}"})
        ).status_code == 401
        client.headers["Authorization"] = f"Bearer {house.line.api_key}"
        assert [(await client.post(path, json=order)).status_code for order in orders] == [422, 422, 202]
        await client.get("/api/v1/whatsapp/contacts", params={"cursor": WORDS})
        challenge = {"hub.mode": "subscribe", "hub.verify_token": WORDS, "hub.challenge": WORDS}
        await client.get("/api/v1/webhooks/whatsapp", params=challenge)


async def _provoke_postgres(house: House) -> None:
    """Away in mid-conversation; and a row it refuses, whose content it then quotes."""
    await house.simulator.change_number(house.line.phone_number_id, revoked=False)
    await _release(house)
    house.supervisor.kill("postgres")
    await _says(house, "are you away?")
    await asyncio.sleep(1)
    await house.supervisor.restart("postgres")
    await house.database.close()
    await house.until(lambda: _no_turn_is_open(house), within=30, what="answered after the outage")
    await _let_rows_be_changed(house, "NEW.direction := 'sideways'")
    await _says(house, "a row that is refused")
    await house.until(lambda: _postgres_said(house, "violates check"), within=20, what="the row is refused")
    await _let_rows_be_changed(house, None)
    await house.until(lambda: _no_turn_is_open(house), within=60, what="the refused row is written after all")


async def _provoke_defects(house: House) -> None:
    """A row whose type no code expects: the exception's own message is the content."""
    await _let_rows_be_changed(house, f"NEW.type := '{WORDS}'")
    await _says(house, "a defect")

    async def is_reported() -> bool:
        return bool(await house.error_reports())

    await house.until(is_reported, within=20, what="the defect is reported")
    assert {row.type for row in await house.error_reports()} == {"builtins.KeyError"}


async def _let_rows_be_changed(house: House, change: str | None) -> None:
    """Change outbound rows as they are written; None: no more."""
    assert house.stack.cluster
    async with house.database.transaction() as connection:
        await connection.exec_driver_sql("DROP TRIGGER IF EXISTS spoil ON messages")
        if change is not None:
            body = f"BEGIN IF NEW.direction = 'out' THEN {change}; END IF; RETURN NEW; END"
            function = f"CREATE OR REPLACE FUNCTION spoil() RETURNS trigger LANGUAGE plpgsql AS $${body}$$"
            await connection.exec_driver_sql(function)
            trigger = "CREATE TRIGGER spoil BEFORE INSERT ON messages FOR EACH ROW EXECUTE FUNCTION spoil()"
            await connection.exec_driver_sql(trigger)


async def _release(house: House) -> None:
    from store.integrations import set_state

    line = house.line
    await set_state(
        house.database, organization_id=line.organization_id, integration_id=line.integration_id, state="live"
    )


async def _postgres_said(house: House, words: str) -> bool:
    return words in house.supervisor.log("postgres").read_text()


async def _is_where_it_belongs(house: House) -> None:
    """The canaries did travel: customer and Postgres have them."""
    log = await house.simulator.conversation(house.line.phone_number_id, CUSTOMER)
    assert any(WORDS in reply["content"]["body"] for reply in log["replies"])
    (row,) = await house.rows(
        "SELECT count(*) AS kept FROM messages WHERE content::text LIKE :words", words=f"%{WORDS}%"
    )
    assert row.kept > 10


async def _metrics(house: House) -> dict[str, str]:
    ports = {"api": house.stack.ports.api, "worker": house.stack.ports.worker_metrics}
    async with httpx.AsyncClient(trust_env=False) as client:
        answers = {name: await client.get(f"http://127.0.0.1:{port}/metrics") for name, port in ports.items()}
    assert all("holdfast_" in answer.text for answer in answers.values())
    return {f"metrics of {name}": answer.text for name, answer in answers.items()}


async def _histories(house: House) -> dict[str, str]:
    """Each run's whole history, and its row with search attributes and memo, as JSON."""
    client = await house.temporal()
    found: dict[str, str] = {}
    async for run in client.list_workflows():
        handle = client.get_workflow_handle(run.id, run_id=run.run_id)
        found[f"history of {run.id} {run.run_id}"] = (await handle.fetch_history()).to_json()
        found[f"row of {run.id} {run.run_id}"] = MessageToJson((await handle.describe()).raw_description)
    assert any("The agent answered with HTTP 400" in text for text in found.values()), "no history has a provoked error"
    return found


def _everything(house: House, metrics: dict[str, str], histories: dict[str, str]) -> Iterator[tuple[str, str]]:
    """All that may not hold a canary, by where it is: what Temporal keeps is read from its file, too."""
    yield from metrics.items()
    yield from histories.items()
    for part in ("api", "worker", "temporal", "postgres"):
        yield f"log of {part}", house.supervisor.log(part).read_text(errors="replace")
    for file in sorted(house.stack.folder.glob("temporal.db*")):
        yield file.name, file.read_bytes().decode("latin-1")


def _in(text: str) -> list[str]:
    """The canaries in a text, as it is or in base64."""
    text += _decoded(text)
    return [canary for canary in CANARIES if canary in text]


def _decoded(text: str) -> str:
    """Every part of a text that may be base64, decoded."""
    standard = text.translate(str.maketrans("-_", "+/"))
    parts = [encoded.rstrip("=") for encoded in _BASE64.findall(standard)]
    whole = [part[: len(part) - (len(part) % 4 == 1)] for part in parts]  # what only looks like it may have any length
    return "\n".join(base64.b64decode(part + "=" * (-len(part) % 4)).decode("latin-1") for part in whole)


def test_the_search_finds_a_canary_in_a_payload_and_as_it_is() -> None:
    payload = base64.b64encode(json.dumps({"detail": f"said {WORDS}"}).encode()).decode()
    assert _in(f'{{"data": "{payload}"}}') == [WORDS]
    assert _in(f"to +{CUSTOMER}") == [CUSTOMER]
    assert _in("nothing of theirs") == []
