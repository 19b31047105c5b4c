"""The simulator's pages, by which a person plays the customer."""

import re
from typing import Any

import pytest

from tests.simulator.letters import LINK, buttons, flow, interactive, link_button, rows, sections
from tests.simulator.stage import CUSTOMER, NUMBER, WABA, Simulated, Webhook

PAGE = f"/conversations/{NUMBER}/{CUSTOMER}"


async def _send(simulator: Simulated, kind: str, content: Any) -> str:
    payload = {"messaging_product": "whatsapp", "to": f"+{CUSTOMER}", "type": kind, kind: content}
    return str((await simulator.post(payload)).json()["messages"][0]["id"])


async def _written(simulator: Simulated, webhook: Webhook, **form: Any) -> dict[str, Any]:
    """What the webhook tells of a form that was sent."""
    files = {"file": form.pop("file")} if "file" in form else None
    answer = await simulator.graph.post(PAGE, data=form, files=files)
    assert (answer.status_code, answer.headers["location"]) == (303, PAGE)
    assert await simulator.client.settle()
    return webhook.messages[-1]


async def test_texts_files_and_places_are_written_by_hand(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    assert (await _written(simulator, webhook, kind="text", text="<i>hello"))["text"] == {"body": "<i>hello"}
    place = {"latitude": "52.5", "longitude": "13.4", "name": "Office"}
    told = await _written(simulator, webhook, kind="location", **place)
    assert told["location"] == {"latitude": 52.5, "longitude": 13.4, "name": "Office"}
    told = await _written(simulator, webhook, kind="file", file=("a.png", b"\x89PNG", "image/png"), caption="look")
    assert (told["type"], told["image"]["caption"]) == ("image", "look")
    told = await _written(simulator, webhook, kind="file", file=("../a.pdf", b"%PDF-", "application/pdf"))
    assert told["document"]["filename"] == "../a.pdf"
    page = (await simulator.graph.get(PAGE)).text
    assert "&lt;i&gt;hello" in page
    assert f'<img src="/_control/files/{(await simulator.client.files())[0].media_id}"' in page


@pytest.mark.parametrize(
    ("content", "place", "expected"),
    [
        (buttons("Yes", "No"), 1, {"type": "button_reply", "button_reply": {"id": "id No", "title": "No"}}),
        (sections(rows(2), rows(2, 2)), 3, {"type": "list_reply", "list_reply": {"id": "3", "title": "Row 3"}}),
    ],
)
async def test_a_button_that_is_tapped_comes_back_as_its_reply(
    simulator: Simulated, webhook: Webhook, content: Any, place: int, expected: Any
) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    wamid = await _send(simulator, "interactive", content)
    assert f'<button name="place" value="{place}">' in (await simulator.graph.get(PAGE)).text
    told = await _written(simulator, webhook, kind="tap", to=wamid, place=place)
    assert (told["interactive"], told["context"]) == (expected, {"from": "15550783881", "id": wamid})


async def test_a_quick_reply_of_a_template_comes_back_as_a_button(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    parameters = [{"type": "payload", "payload": "Stop"}]
    button = {"type": "button", "sub_type": "quick_reply", "index": "0", "parameters": parameters}
    template = {"name": "hello_world", "language": {"code": "en_US"}, "components": [button]}
    wamid = await _send(simulator, "template", template)
    told = await _written(simulator, webhook, kind="tap", to=wamid, place=0)
    assert told["button"] == {"payload": "Stop", "text": "Stop"}


async def test_a_reaction_stands_at_its_message_until_it_is_taken_back(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    wamid = await _send(simulator, "text", {"body": "hello"})
    told = await _written(simulator, webhook, kind="reaction", to=wamid, emoji="👍")
    assert told["reaction"] == {"message_id": wamid, "emoji": "👍"}
    assert '<span title="customer">👍</span>' in (await simulator.graph.get(PAGE)).text
    told = await _written(simulator, webhook, kind="reaction", to=wamid, emoji="")
    assert told["reaction"] == {"message_id": wamid}
    assert '<span title="customer">' not in (await simulator.graph.get(PAGE)).text


async def test_a_template_is_read_with_its_values_and_its_quick_reply_by_its_title(
    simulator: Simulated, webhook: Webhook
) -> None:
    components: list[dict[str, Any]] = [
        {"type": "HEADER", "format": "TEXT", "text": "Order {{1}}"},
        {"type": "BODY", "text": "Hello {{1}}, it arrives on {{2}}."},
        {"type": "FOOTER", "text": "The bakery"},
        {
            "type": "BUTTONS",
            "buttons": [
                {"type": "URL", "text": "Track it", "url": "https://example.com/{{1}}"},
                {"type": "QUICK_REPLY", "text": "No more offers"},
            ],
        },
    ]
    await simulator.client.add_template(WABA, "shipped", "en", components)
    parts = [
        {"type": "header", "parameters": [{"type": "text", "text": "4711"}]},
        {"type": "body", "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "Tuesday"}]},
        {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "4711"}]},
        {
            "type": "button",
            "sub_type": "quick_reply",
            "index": 1,
            "parameters": [{"type": "payload", "payload": "STOP"}],
        },
    ]
    wamid = await _send(simulator, "template", {"name": "shipped", "language": {"code": "en"}, "components": parts})
    page = (await simulator.graph.get(PAGE)).text
    shown = ("Order 4711<", "Hello Ada, it arrives on Tuesday.", "The bakery", "Track it: https://example.com/4711")
    assert [words for words in shown if words not in page] == []
    told = await _written(simulator, webhook, kind="tap", to=wamid, place=0)
    assert told["button"] == {"payload": "STOP", "text": "No more offers"}


async def test_what_is_edited_or_taken_back_is_shown_at_its_message(simulator: Simulated) -> None:
    first = await simulator.client.customer_says(NUMBER, CUSTOMER, "two loafs")
    second = await simulator.client.customer_says(NUMBER, CUSTOMER, "by mistake")
    edited = {"original_message_id": first, "message": {"type": "text", "text": {"body": "two loaves"}}}
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "edit", edited)
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "revoke", {"original_message_id": second})
    page = (await simulator.graph.get(PAGE)).text
    assert [words for words in ("two loaves", "· edited", "· taken back") if words not in page] == []
    assert [words for words in ("two loafs", "by mistake", "original_message_id") if words in page] == []


async def test_what_a_message_offers_besides_answers_is_shown(simulator: Simulated) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    titled = {"header": {"type": "text", "text": "Above"}, "footer": {"text": "Below"}}
    for content in (
        link_button("Open it") | titled,
        flow(),
        interactive("location_request_message", {"name": "send_location"}),
        interactive("request_contact_info", {"name": "request_contact_info"}),
    ):
        await _send(simulator, "interactive", content)
    page = (await simulator.graph.get(PAGE)).text
    shown = ("Above", "Below", f"Open it: {LINK}", "Book (a form)", "Send your location", "Share your phone number")
    assert [words for words in shown if words not in page] == []


async def test_every_kind_that_was_written_is_shown(simulator: Simulated) -> None:
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "hologram", {"depth": 3})
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "unknown", None)
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "contacts", [{"phones": []}])
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "reaction", {"message_id": "wamid.gone", "emoji": "👍"})
    await simulator.client.business_app_sends(NUMBER, CUSTOMER, "text", {"body": "from the app"})
    await simulator.client.customer_sends(NUMBER, CUSTOMER, "revoke", {"original_message_id": "wamid.gone"})
    page = await simulator.graph.get(PAGE)
    assert page.status_code == 200
    unshown = ("Something that WhatsApp does not show", "A message that is not shown here was taken back.")
    for words in ("{&#34;depth&#34;:3}", "somebody", "from the app", "in its own app", *unshown):
        assert words in page.text
    assert "script-src 'self'" in page.headers["content-security-policy"]


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "text"},
        {"kind": "location", "latitude": "north", "longitude": "1"},
        {"kind": "tap", "to": "wamid.gone", "place": "0"},
        {"kind": "file"},
        {"kind": "poem"},
        {},
    ],
)
async def test_a_form_that_lacks_something_says_so(simulator: Simulated, form: dict[str, str]) -> None:
    await simulator.client.customer_says(NUMBER, CUSTOMER, "hi")
    assert (await simulator.graph.post(PAGE, data=form)).status_code == 422
    assert (await simulator.client.conversation(NUMBER, CUSTOMER))["said_count"] == 1


async def test_a_conversation_that_is_none_is_not_shown(simulator: Simulated) -> None:
    assert (await simulator.graph.get(f"/conversations/{NUMBER}/404")).status_code == 404
    assert (await simulator.graph.get("/chat/secret.txt")).status_code == 404
    assert (await simulator.graph.get("/chat/chat.css")).status_code == 200


async def test_the_control_apis_page_loads_nothing_from_elsewhere(simulator: Simulated) -> None:
    loaded = re.findall(r'(?:src|href)="([^"]+)"', (await simulator.graph.get("/docs")).text)
    assert len(loaded) == 3
    for address in loaded:
        assert address.startswith("/docs/files/")
        assert (await simulator.graph.get(address)).status_code == 200
