"""The parameters of template messages, compared with what their templates take."""

from typing import Any

import pytest

from whatsapp.template_parameters import problems
from whatsapp.templates import TemplateFacts, definition, facts

BODY = {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way."}
NAMED_BODY = {"type": "BODY", "text": "Hello {{first_name}}, your order {{order_id}} is on its way, {{first_name}}."}
IMAGE = {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["4::aW"]}}
TITLE = {"type": "HEADER", "format": "TEXT", "text": "Order {{1}} of yours"}
LINK = {"type": "URL", "text": "Track", "url": "https://example.com/{{1}}"}
PLAIN_LINK = {"type": "URL", "text": "Shop", "url": "https://example.com/shop"}
REPLY = {"type": "QUICK_REPLY", "text": "Stop"}
CODE = {"type": "COPY_CODE", "example": "SAVE10"}
PHONE = {"type": "PHONE_NUMBER", "text": "Call", "phone_number": "+15550001"}
AT = "template.components"


def text(value: str = "x", **named: str) -> dict[str, Any]:
    return {"type": "text", "text": value} | named


def part(kind: str, *parameters: Any, **more: Any) -> dict[str, Any]:
    return {"type": kind, "parameters": list(parameters)} | more


def button(index: Any, sub_type: str, *parameters: Any) -> dict[str, Any]:
    return part("button", *parameters, sub_type=sub_type, index=index)


def buttons(*each: Any) -> dict[str, Any]:
    return {"type": "BUTTONS", "buttons": list(each)}


def found(template: list[Any], *sent: Any, form: str = "positional") -> list[str]:
    return problems(definition(template, form), {"name": "n", "language": {"code": "en"}, "components": list(sent)})


@pytest.mark.parametrize(
    ("template", "sent"),
    [
        ([{"type": "BODY", "text": "Hello."}], []),
        ([BODY], [part("body", text(), text())]),
        ([BODY], [part("BODY", text(), {"type": "currency", "currency": {}})]),
        ([TITLE, BODY], [part("header", text()), part("body", text(), text())]),
        ([IMAGE, BODY], [part("header", {"type": "image", "image": {"id": "1"}}), part("body", text(), text())]),
        (
            [{"type": "HEADER", "format": "LOCATION"}],
            [part("header", {"type": "location", "location": {"latitude": 1, "longitude": 2}})],
        ),
        ([buttons(REPLY, PLAIN_LINK, PHONE)], []),
        ([buttons(REPLY)], [button("0", "quick_reply", {"type": "payload", "payload": "yes"})]),
        ([buttons(PLAIN_LINK, LINK)], [button(1, "url", text("4711"))]),
        ([buttons(CODE)], [button(0, "copy_code", {"type": "coupon_code", "coupon_code": "SAVE10"})]),
        ([buttons({"type": "FLOW"})], [button("0", "FLOW", {"type": "action", "action": {"flow_token": "t"}})]),
        ([buttons({"type": "OTP", "otp_type": "COPY_CODE"})], [button("0", "url", text("123456"))]),
        ([buttons({"type": "OF_TOMORROW"})], [button("0", "of_tomorrow", {"type": "whatever"})]),
        ([{"type": "OF_TOMORROW", "text": "{{1}}"}], [{"type": "of_tomorrow"}]),
    ],
)
def test_what_the_template_takes_may_be_sent(template: list[Any], sent: list[Any]) -> None:
    assert found(template, *sent) == []


@pytest.mark.parametrize(
    ("template", "sent", "says"),
    [
        ([BODY], [], f"{AT}: lacks the body with 2 parameters"),
        ([BODY], [part("body", text())], f"{AT}[0].parameters: has 1, the template's body takes 2"),
        ([BODY], [part("body", *[text()] * 3)], f"{AT}[0].parameters: has 3, the template's body takes 2"),
        (
            [BODY],
            [part("body", text(), {"type": "image", "image": {"id": "1"}})],
            f"{AT}[0].parameters[1].type: must be text, currency or date_time, as the body is a text",
        ),
        (
            [BODY],
            [part("body", text(), text(parameter_name="b"))],
            f"{AT}[0].parameters[1].parameter_name: the template's parameters have no names, they stand in order",
        ),
        (
            [BODY],
            [part("body", text(), text()), part("body", text(), text())],
            f"{AT}[1]: is a second body",
        ),
        (
            [{"type": "BODY", "text": "Hi"}],
            [part("body", text())],
            f"{AT}[0].parameters: has 1, the template's body takes 0",
        ),
        ([{"type": "BODY", "text": "Hi"}], [part("header", text())], f"{AT}[0]: the template has no header"),
        ([TITLE], [], f"{AT}: lacks the header with 1 parameter"),
        ([IMAGE], [], f"{AT}: lacks the header, which holds one parameter of type image"),
        ([IMAGE], [part("header")], f"{AT}[0].parameters: has 0 parameters, the header takes one of type image"),
        (
            [IMAGE],
            [part("header", {"type": "video", "video": {"id": "1"}})],
            f"{AT}[0].parameters[0].type: must be image, as the template's header is",
        ),
        ([IMAGE], [part("header", {"type": "image"})], f"{AT}[0].parameters[0].image: is missing"),
        (
            [buttons(REPLY, LINK)],
            [],
            f"{AT}: lacks the button with sub_type url, index 1 and a parameter text",
        ),
        (
            [buttons(CODE)],
            [],
            f"{AT}: lacks the button with sub_type copy_code, index 0 and a parameter coupon_code",
        ),
        (
            [buttons(REPLY)],
            [button("1", "quick_reply", {"type": "payload", "payload": "p"})],
            f"{AT}[0].index: must be that of a button of the template, which has 1",
        ),
        (
            [buttons(REPLY)],
            [button("0", "quick_reply", {"type": "payload", "payload": "p"})] * 2,
            f"{AT}[1].index: names a button that has its parameters already",
        ),
        (
            [buttons(REPLY)],
            [button("0", "url", text())],
            f"{AT}[0].sub_type: must be quick_reply, as the template's button is",
        ),
        ([buttons(LINK)], [button("0", "url")], f"{AT}[0].parameters: has 0, the button takes one of type text"),
        (
            [buttons(REPLY)],
            [button("0", "quick_reply", text())],
            f"{AT}[0].parameters[0].type: must be payload",
        ),
        (
            [buttons(CODE)],
            [button("0", "copy_code", {"type": "coupon_code", "coupon_code": ""})],
            f"{AT}[0].parameters[0].coupon_code: must not be empty",
        ),
        (
            [buttons(PLAIN_LINK)],
            [button("0", "url", text())],
            f"{AT}[0].parameters: this button of the template takes none",
        ),
        ([buttons(PHONE)], [button("0", "url", text())], f"{AT}[0].parameters: this button of the template takes none"),
        (
            [BODY],
            [part("body", text(), text()), {"type": "carousel", "cards": []}],
            f"{AT}[1]: the template has no carousel",
        ),
    ],
)
def test_what_does_not_fit_is_told_by_its_field(template: list[Any], sent: list[Any], says: str) -> None:
    assert found(template, *sent) == [says]


def test_named_parameters_stand_in_any_order() -> None:
    sent = part("body", text(parameter_name="order_id"), text(parameter_name="first_name"))
    assert found([NAMED_BODY], sent, form="named") == []


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ([], [f"{AT}: lacks the body with the parameters first_name, order_id"]),
        ([part("body", text(parameter_name="order_id"))], [f"{AT}[0].parameters: lacks first_name"]),
        (
            [part("body", text(parameter_name="first_name"), text())],
            [
                f"{AT}[0].parameters[1].parameter_name: is none of the template's body (first_name, order_id)",
                f"{AT}[0].parameters: lacks order_id",
            ],
        ),
        (
            [part("body", *[text(parameter_name=name) for name in ("first_name", "order_id", "order_id")])],
            [f"{AT}[0].parameters[2].parameter_name: comes twice"],
        ),
    ],
)
def test_names_that_are_wrong_missing_or_double_are_told(sent: list[Any], says: list[str]) -> None:
    assert found([NAMED_BODY], *sent, form="named") == says


def test_nothing_that_was_given_is_repeated() -> None:
    sent = part("body", text("my secret", parameter_name="my name"), part("my kind"))
    assert "my" not in " ".join(found([NAMED_BODY, IMAGE], sent, form="named"))


def test_each_card_of_a_carousel_is_compared_with_its_own() -> None:
    card = {"components": [IMAGE, {"type": "BODY", "text": "For {{1}} only"}, buttons(REPLY, LINK)]}
    template = [BODY, {"type": "CAROUSEL", "cards": [card, card]}]
    good = [
        part("header", {"type": "image", "image": {"id": "1"}}),
        part("body", text()),
        button(1, "url", text()),
    ]
    body = part("body", text(), text())
    cards = [{"card_index": 0, "components": good}, {"card_index": 1, "components": good[:2]}]

    assert found(template, body, {"type": "carousel", "cards": [cards[0], cards[0] | {"card_index": 1}]}) == []
    assert found(template, body) == [f"{AT}: lacks the carousel with its 2 cards"]
    assert found(template, body, {"type": "carousel", "cards": cards[:1]}) == [
        f"{AT}[1].cards: has 1, the template's carousel has 2"
    ]
    assert found(template, body, {"type": "carousel", "cards": cards}) == [
        f"{AT}[1].cards[1].components: lacks the button with sub_type url, index 1 and a parameter text"
    ]


def test_a_template_is_read_from_graphs_json() -> None:
    told = {
        "id": "1689556908129832",
        "name": "order_shipped",
        "language": "en-US",
        "status": "APPROVED",
        "category": "utility",
        "quality_score": {"score": "GREEN", "date": 1},
        "components": [BODY],
        "rejected_reason": "NONE",
    }
    assert facts(told) == TemplateFacts(
        "1689556908129832", "order_shipped", "en_US", "UTILITY", "APPROVED", "GREEN", "positional", (BODY,), None
    )


@pytest.mark.parametrize("lacking", ["id", "name", "language"])
def test_what_is_no_template_is_none(lacking: str) -> None:
    told = {"id": 1, "name": "a", "language": "en"}
    assert facts(told) is not None
    assert facts({key: value for key, value in told.items() if key != lacking}) is None


def test_the_format_shows_in_the_placeholders_where_meta_does_not_say() -> None:
    told = {"id": 1, "name": "a", "language": "en", "components": [NAMED_BODY]}
    read = facts(told)
    assert read is not None
    assert read.parameter_format == "named"
