"""Templates at the simulated Meta: kept, reviewed, sent."""

from datetime import timedelta
from typing import Any

import pytest

from simulator.templates import Template
from tests.simulator.stage import CUSTOMER, NUMBER, WABA, Simulated, Webhook

BODY = {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way."}
SHORT = {"type": "BODY", "text": "Your order {{1}} is on its way."}
NAMED = {"type": "BODY", "text": "Hello {{first_name}}, thank you."}
IMAGE = {"type": "HEADER", "format": "IMAGE"}
LINK = {"type": "BUTTONS", "buttons": [{"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"}]}
TWO = {"type": "body", "parameters": [{"type": "text", "text": "Ada"}, {"type": "text", "text": "4711"}]}
EDGE = f"{WABA}/message_templates"


async def made(simulator: Simulated, **changes: Any) -> Any:
    content = {"name": "shipped", "language": "en_US", "category": "UTILITY", "components": [BODY]} | changes
    return (await simulator.call("POST", EDGE, json=content)).json()


async def sent(simulator: Simulated, *components: Any, name: str = "shipped", language: str = "en_US") -> Any:
    template = {"name": name, "language": {"code": language}, "components": list(components)}
    return (await simulator.send(type="template", text=None, template=template)).json()


async def test_a_template_is_made_pending_and_listed_with_the_fields_that_are_asked_for(simulator: Simulated) -> None:
    answer = await made(simulator)
    assert (answer["status"], answer["category"]) == ("PENDING", "UTILITY")
    listed = (await simulator.call("GET", EDGE, params={"fields": "id,name,status,quality_score"})).json()["data"]
    assert listed == [
        {"id": answer["id"], "name": "shipped", "status": "PENDING", "quality_score": {"score": "UNKNOWN"}}
    ]
    one = (await simulator.call("GET", answer["id"], params={"fields": "language"})).json()
    assert one == {"id": answer["id"], "language": "en_US"}


async def test_many_templates_come_in_pages(simulator: Simulated) -> None:
    for number in range(5):
        await simulator.client.add_template(WABA, f"news_{number}", "en", [BODY])
    names, after = [], ""
    for _ in range(3):
        page = (await simulator.call("GET", EDGE, params={"limit": "2", "after": after})).json()
        names += [one["name"] for one in page["data"]]
        after = page["paging"]["cursors"]["after"]
    assert names == [f"news_{number}" for number in (4, 3, 2, 1, 0)]
    assert "next" not in page["paging"]


@pytest.mark.parametrize(
    ("changes", "subcode"),
    [
        ({"name": "With Spaces"}, None),
        ({"category": "NEWS"}, None),
        ({"components": []}, None),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": "Track"}]}, None),
        ({"components": [BODY, {"type": "BUTTONS", "buttons": ["Track"]}]}, None),
        ({"components": [BODY, {"type": "HEADER", "format": "SOUND"}]}, None),
        ({"components": [BODY, {"type": "FOOTER", "text": "Bye {{1}}"}]}, 2388073),
        ({"components": [{"type": "BODY", "text": "{{1}} is on its way."}]}, 2388299),
        ({"components": [{"type": "BODY", "text": "x" * 1025}]}, 2388040),
        ({"components": [{"type": "BODY", "text": "Order {{2}} of today"}]}, 2388072),
    ],
)
async def test_what_meta_would_not_take_is_refused(
    simulator: Simulated, changes: dict[str, Any], subcode: int | None
) -> None:
    error = (await made(simulator, **changes))["error"]
    assert (error["code"], error.get("error_subcode")) == (100, subcode)


async def test_a_name_exists_once_in_a_language(simulator: Simulated) -> None:
    await made(simulator)
    assert (await made(simulator))["error"]["error_subcode"] == 2388024
    assert (await made(simulator, language="nl"))["status"] == "PENDING"


async def test_a_hundred_templates_are_made_an_hour_and_no_more(simulator: Simulated) -> None:
    for number in range(100):
        assert "id" in await made(simulator, name=f"news_{number}")
        if number == 0:  # what is refused counts not
            assert "error" in await made(simulator, name="news", category="NEWS")
    assert (await made(simulator, name="news_100"))["error"]["error_subcode"] == 2388019
    await simulator.client.move_clock(timedelta(hours=1))
    assert "id" in await made(simulator, name="news_100")


async def test_an_account_of_an_unverified_portfolio_has_250_templates_however_many_their_languages(
    simulator: Simulated,
) -> None:
    await simulator.client.add_business(WABA, verification_status="not_verified")
    for number in range(250):
        simulator.world.templates.add(Template(str(number), WABA, f"news_{number}", "en_US", "UTILITY", [SHORT]))
    assert (await made(simulator, name="news_250"))["error"]["error_subcode"] == 2388019
    assert "id" in await made(simulator, name="news_249", language="nl")
    await simulator.client.add_business(WABA, verification_status="verified")
    assert "id" in await made(simulator, name="news_250")


async def test_a_refused_edit_leaves_a_template_as_it_was(simulator: Simulated) -> None:
    template = await simulator.client.add_template(WABA, "shipped", "en_US", [BODY], status="REJECTED")
    refused = await simulator.call("POST", template["id"], json={"category": "MARKETING", "components": []})
    assert refused.json()["error"]["code"] == 100
    assert await simulator.client.templates(WABA) == [template]


async def test_an_edited_template_is_reviewed_again_and_a_pending_one_is_locked(simulator: Simulated) -> None:
    template = await simulator.client.add_template(WABA, "shipped", "en_US", [BODY])
    edited = await simulator.call("POST", template["id"], json={"components": [SHORT]})
    assert edited.json() == {"success": True}
    (kept,) = await simulator.client.templates(WABA)
    assert (kept["status"], kept["components"]) == ("PENDING", [SHORT])
    again = await simulator.call("POST", template["id"], json={"components": [BODY]})
    assert again.json()["error"]["error_subcode"] == 2388039


async def test_one_language_is_deleted_or_all(simulator: Simulated) -> None:
    ids = [(await made(simulator, language=language))["id"] for language in ("en_US", "nl", "de")]
    one = await simulator.call("DELETE", EDGE, params={"name": "shipped", "hsm_id": ids[0]})
    assert one.json() == {"success": True}
    assert [kept["language"] for kept in await simulator.client.templates(WABA)] == ["de", "nl"]
    await simulator.call("DELETE", EDGE, params={"name": "shipped"})
    assert await simulator.client.templates(WABA) == []
    gone = await simulator.call("DELETE", EDGE, params={"name": "shipped"})
    assert gone.json()["error"]["code"] == 100


async def test_a_template_of_an_account_that_has_none_is_taken(simulator: Simulated) -> None:
    assert "messages" in await sent(simulator)


@pytest.mark.parametrize(
    ("definition", "given", "code"),
    [
        ([BODY], [], 132000),
        ([BODY], [{"type": "body", "parameters": [{"type": "text", "text": "Ada"}]}], 132000),
        ([IMAGE, {"type": "BODY", "text": "Hi"}], [], 132012),
        (
            [IMAGE, {"type": "BODY", "text": "Hi"}],
            [{"type": "header", "parameters": [{"type": "text", "text": "x"}]}],
            132012,
        ),
        ([BODY], [TWO | {"parameters": [*TWO["parameters"][:1], {"type": "image", "image": {}}]}], 132012),
        ([BODY], [TWO | {"parameters": [{"type": "text", "text": "a\nb"}] * 2}], 132007),
        ([BODY], [TWO | {"parameters": [{"type": "text", "text": "a" * 600}] * 2}], 132005),
        ([BODY, LINK], [TWO], 131008),
    ],
)
async def test_parameters_that_do_not_fit_are_refused_by_code(
    simulator: Simulated, definition: list[Any], given: list[Any], code: int
) -> None:
    await simulator.client.add_template(WABA, "shipped", "en_US", definition)
    assert (await sent(simulator, *given))["error"]["code"] == code


async def test_parameters_that_fit_are_taken_counted_or_named(simulator: Simulated) -> None:
    await simulator.client.add_template(WABA, "shipped", "en_US", [BODY, LINK])
    await simulator.client.add_template(WABA, "thanks", "en_US", [NAMED], parameter_format="NAMED")
    link = {"type": "button", "sub_type": "url", "index": "0", "parameters": [{"type": "text", "text": "4711"}]}
    named = {"type": "text", "parameter_name": "first_name", "text": "Ada"}
    assert "messages" in await sent(simulator, TWO, link)
    assert "messages" in await sent(simulator, {"type": "body", "parameters": [named]}, name="thanks")
    unnamed = {"type": "body", "parameters": [named | {"parameter_name": "name"}]}
    assert (await sent(simulator, unnamed, name="thanks"))["error"]["code"] == 132012


@pytest.mark.parametrize(
    ("event", "code"), [("PENDING", 132001), ("REJECTED", 132001), ("PAUSED", 132015), ("DISABLED", 132016)]
)
async def test_a_template_that_is_not_approved_is_refused_by_its_own_code(
    simulator: Simulated, event: str, code: int
) -> None:
    await simulator.client.add_template(WABA, "shipped", "en_US", [BODY])
    await simulator.client.decide_template(WABA, "shipped", "en_US", event)
    assert (await sent(simulator, TWO))["error"]["code"] == code
    assert (await sent(simulator, TWO, language="nl"))["error"]["code"] == 132001


async def test_each_decision_is_told_by_its_webhook(simulator: Simulated, webhook: Webhook) -> None:
    template = await simulator.client.add_template(WABA, "shipped", "en_US", [BODY])
    about = (WABA, "shipped", "en_US")
    rejection = {"rejection_info": {"reason": "why", "recommendation": "how"}}
    assert await simulator.client.decide_template(*about, "REJECTED", reason="INVALID_FORMAT", parts=rejection)
    assert await simulator.client.rate_template(*about, "YELLOW")
    assert await simulator.client.move_template(*about, "MARKETING", early=True)
    assert await simulator.client.move_template(*about, "MARKETING")
    assert await simulator.client.edit_template(*about, [NAMED])
    assert not await simulator.client.decide_template(*about, "PAUSED", tell=False)
    assert await simulator.client.settle()

    named = {"message_template_id": int(template["id"]), "message_template_name": "shipped"}
    assert all(named.items() <= value.items() for value in webhook.values)
    told = {change["field"]: change["value"] for body in webhook.bodies for change in body["entry"][0]["changes"]}
    assert told["message_template_status_update"] | rejection == told["message_template_status_update"]
    assert told["message_template_status_update"]["message_template_language"] == "en-US"
    assert told["message_template_quality_update"]["new_quality_score"] == "YELLOW"
    assert told["template_category_update"]["new_category"] == "MARKETING"
    assert told["message_template_components_update"]["message_template_element"] == NAMED["text"]
    (kept,) = await simulator.client.templates(WABA)
    assert (kept["status"], kept["category"], kept["quality_score"]) == ("PAUSED", "MARKETING", {"score": "YELLOW"})


async def test_marketing_fails_late_for_who_has_stopped_it(simulator: Simulated, webhook: Webhook) -> None:
    await simulator.client.add_template(
        WABA, "news", "en_US", [{"type": "BODY", "text": "News."}], category="MARKETING"
    )
    await simulator.client.customer_prefers(NUMBER, CUSTOMER, "stop")
    assert "messages" in await sent(simulator, name="news")
    assert await simulator.client.settle()
    assert [status["errors"][0]["code"] for status in webhook.statuses] == [131050]
