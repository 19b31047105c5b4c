"""The commands on the pages about agents, writing first, consent and profiles: each does what its page says."""

import argparse
import re
import shlex
from pathlib import Path
from urllib.parse import urlencode

import httpx

from tests.api.edge import Tenant
from tests.api.linked import Linked
from tests.pictures import picture

DOCS = Path(__file__).parents[2] / "docs"
_BLOCK = re.compile(r"^```sh\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_API, _SIMULATOR, _WABA = "http://127.0.0.1:8080", "http://127.0.0.1:8090", "102290129340398"
"""As `make dev` has them."""


def _commands(page: str) -> list[str]:
    """The page's calls, one of each; a block may hold several."""
    blocks = _BLOCK.findall((DOCS / page).read_text())
    return [call for block in blocks for call in re.split(r"^(?=curl )", block, flags=re.MULTILINE) if call.strip()]


async def _run(command: str, stage: Linked, shop: Tenant, **more: str) -> httpx.Response:
    """What curl would do in a shell where the page's variables are set."""
    number = shop.number
    places = {_API: stage.api.url, _SIMULATOR: stage.meta.base_url, _WABA: number.waba_id}
    integration = str(number.integration_id)
    given = {"$HOLDFAST_KEY": shop.key, "$NUMBER": integration, "$CONTACT": str(shop.contact_id)}
    given |= {"$INTEGRATION": integration} | {f"${name}": value for name, value in more.items()}
    for written, meant in {**places, **given, "\\\n": " "}.items():
        command = command.replace(written, meant)
    words = argparse.ArgumentParser()
    words.add_argument("-s", action="store_true")
    words.add_argument("-G", action="store_true")
    words.add_argument("-X")
    words.add_argument("-H", action="append", default=[])
    words.add_argument("-d", "--data-binary", "--data-urlencode", dest="data")
    words.add_argument("url")
    asked = words.parse_args(shlex.split(command)[1:])
    headers = dict(header.split(": ", 1) for header in asked.H)
    data = picture(300, 300) if asked.data == "@logo.png" else asked.data
    method = asked.X or ("POST" if data is not None and not asked.G else "GET")
    url = f"{asked.url}?{urlencode([tuple(asked.data.split('=', 1))])}" if asked.G else asked.url
    async with httpx.AsyncClient(trust_env=False) as client:
        return await client.request(method, url, headers=headers, content=None if asked.G else data)


async def test_the_order_status_of_the_page_is_made_approved_and_sent_by_its_commands(
    stage: Linked, shop: Tenant
) -> None:
    make, approve, send = _commands("proactive.md")
    made = await _run(make, stage, shop)
    assert (made.status_code, made.json()["status"]) == (201, "PENDING"), made.text
    assert (await _run(send, stage, shop)).json()["code"] == "template_unusable"
    assert (await _run(approve, stage, shop)).status_code == 200
    await shop.client.post("/api/v1/whatsapp/templates/sync")  # no webhook comes to this API
    sent, again = await _run(send, stage, shop), await _run(send, stage, shop)
    assert (sent.status_code, sent.json()["state"]) == (202, "queued"), sent.text
    assert again.content == sent.content, "the same key"


async def test_an_agent_is_made_and_given_to_a_number_by_the_commands_of_its_page(stage: Linked, shop: Tenant) -> None:
    make, give = _commands("agents.md")
    made = (await _run(make, stage, shop)).json()
    assert made["secret"].startswith("whsec_")
    agent_flow = made["agent_flow"]["id"]
    given = await _run(give, stage, shop, AGENT_FLOW=agent_flow)
    assert (given.status_code, given.json()["agent_flow_id"]) == (200, agent_flow), given.text


async def test_consent_is_told_and_read_by_the_commands_of_its_page(stage: Linked, shop: Tenant) -> None:
    asked, stopped, read = [await _run(command, stage, shop) for command in _commands("consent.md")]
    assert (asked.status_code, asked.json()["marketing"]) == (200, "opted_in"), asked.text
    assert (stopped.status_code, stopped.json()["marketing"]) == (200, "stopped"), stopped.text
    assert read.json() == stopped.json()


async def test_a_profile_and_its_picture_are_changed_by_the_commands_of_its_page(stage: Linked, shop: Tenant) -> None:
    read, changed, shown = [await _run(command, stage, shop) for command in _commands("profile.md")]
    assert (read.status_code, changed.status_code, shown.status_code) == (200, 200, 200), shown.text
    assert changed.json()["about"] == "Bread since 1902"
    assert (read.json()["picture_url"], changed.json()["picture_url"]) == (None, None)
    assert shown.json()["picture_url"] is not None
