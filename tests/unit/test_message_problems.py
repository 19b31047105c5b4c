"""What cannot be sent is refused in words: the field, and what it may be."""

from typing import Any

import pytest

from whatsapp.messages import validate_content


def _tap(kind: str, action: Any, **more: Any) -> dict[str, Any]:
    return {"interactive": {"type": kind, "body": {"text": "words"}, "action": action, **more}}


def _buttons(*titles: str) -> list[dict[str, Any]]:
    return [{"type": "reply", "reply": {"id": str(n), "title": title}} for n, title in enumerate(titles)]


def _sections(*sizes: int, **section: str) -> dict[str, Any]:
    rows = [[{"id": f"{n}.{m}", "title": "t"} for m in range(size)] for n, size in enumerate(sizes)]
    return {"button": "b", "sections": [{**section, "rows": one} for one in rows]}


def _template(*components: Any, **more: Any) -> dict[str, Any]:
    return {"template": {"name": "n", "language": {"code": "en"}, "components": list(components), **more}}


def _body(*parameters: Any) -> dict[str, Any]:
    return _template({"type": "body", "parameters": list(parameters)})


def _flow(**parameters: Any) -> dict[str, Any]:
    given = {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Go", **parameters}
    return _tap("flow", {"name": "flow", "parameters": given})


def _deep(levels: int) -> Any:
    made: Any = 1
    for _ in range(levels):
        made = {"a": made}
    return made


_UNTYPED = "must be an object whose type is"
_UNCLEAN = "has a NUL or half a surrogate pair, which no text may have"
_NOT_SENT = (
    "is a kind that Holdfast does not send; button, list, cta_url, flow, location_request_message and "
    "request_contact_info are sent. Lead to it by a cta_url's link, or by a template with such a button"
)
_KINDS = "text, image, audio, video, document, sticker, location, contacts, reaction, interactive and template"
_TEXT = {"type": "text", "text": "x"}
_FILE = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a07"


@pytest.mark.parametrize(
    ("kind", "content", "problem"),
    [
        ("hologram", {"hologram": {}}, f"type: cannot be sent; one of {_KINDS} can"),
        ("text", {}, "text: is missing"),
        ("text", {"text": "hi"}, "text: must be an object"),
        ("text", {"text": {}}, "text.body: is missing"),
        ("text", {"text": {"body": 5}}, "text.body: must be a text"),
        ("text", {"text": {"body": " \n"}}, "text.body: must not be empty"),
        ("text", {"text": {"body": "a" * 4097}}, "text.body: has 4097 characters, 4096 at most"),
        ("text", {"text": {"body": "😀" * 4097}}, "text.body: has 4097 characters, 4096 at most"),
        ("text", {"text": {"body": "a\x00"}}, f"text.body: {_UNCLEAN}"),
        ("text", {"text": {"body": "\ud800"}}, f"text.body: {_UNCLEAN}"),
        ("text", {"text": {"body": "a", "preview_url": 1}}, "text.preview_url: must be true or false"),
        ("text", {"text": {"body": "a", "preview_url": None}}, "text: has a field that is null: leave it out"),
        ("text", {"text": {"body": "a", "size": 1}}, "text: has a field beside body and preview_url"),
        ("text", {"text": {"body": "a"}, "image": {}}, "message: has a field beside text and context"),
        ("text", {"text": {"body": "a"}, "context": {}}, "context.message_id: is missing"),
        ("text", {"text": {"body": "a"}, "context": "wamid"}, "context: must be an object"),
        ("image", {"image": {}}, "image: must have exactly one of link, id and media_id"),
        ("image", {"image": {"id": "1", "media_id": _FILE}}, "image: must have exactly one of link, id and media_id"),
        ("image", {"image": {"id": 1}}, "image.id: must be a text"),
        ("image", {"image": {"link": "ftp://example.com"}}, "image.link: must be an http or https address"),
        ("image", {"image": {"link": "https://"}}, "image.link: must be an http or https address"),
        ("image", {"image": {"link": "https://a b"}}, "image.link: must be an http or https address"),
        ("image", {"image": {"media_id": "17"}}, "image.media_id: must be the id of a file that was uploaded here"),
        ("audio", {"audio": {"id": "1", "caption": "x"}}, "audio: has a field beside link, id, media_id and voice"),
        ("audio", {"audio": {"id": "1", "voice": "yes"}}, "audio.voice: must be true or false"),
        ("sticker", {"sticker": {"id": "1", "caption": "x"}}, "sticker: has a field beside link, id and media_id"),
        ("location", {"location": {"latitude": 90.5, "longitude": 1}}, "location.latitude: must be 90 at most"),
        ("location", {"location": {"latitude": 1, "longitude": -181}}, "location.longitude: must be -180 at least"),
        ("location", {"location": {"latitude": "1", "longitude": 1}}, "location.latitude: must be a number"),
        ("location", {"location": {"latitude": True, "longitude": 1}}, "location.latitude: must be a number"),
        ("location", {"location": {"latitude": float("nan"), "longitude": 1}}, "location.latitude: must be a number"),
        ("contacts", {"contacts": {}}, "contacts: must be a list"),
        ("contacts", {"contacts": []}, "contacts: must not be empty"),
        ("contacts", {"contacts": [{"name": {}}]}, "contacts[0].name.formatted_name: is missing"),
        (
            "contacts",
            {"contacts": [{"name": {"formatted_name": "Ada"}}]},
            "contacts[0].name: needs one of first_name, last_name, middle_name, prefix and suffix",
        ),
        ("reaction", {"reaction": {"message_id": "w"}}, "reaction.emoji: is missing"),
        *(
            (
                "reaction",
                {"reaction": {"message_id": "w", "emoji": emoji}},
                "reaction.emoji: must be one emoji, or an empty text, which takes the reaction away",
            )
            for emoji in ("ok", "👍👍", "1", "👍 ", " ", "é")
        ),
        (
            "interactive",
            {"interactive": {}},
            f"interactive: {_UNTYPED} button, list, cta_url, flow, location_request_message or request_contact_info",
        ),
        ("interactive", _tap("product_list", {}), f"interactive: product_list {_NOT_SENT}"),
        ("interactive", _tap("address_message", {}), f"interactive: address_message {_NOT_SENT}"),
        ("interactive", _tap("button", {"buttons": []}), "interactive.action.buttons: must not be empty"),
        (
            "interactive",
            _tap("button", {"buttons": _buttons("a", "b", "c" * 25)}),
            "interactive.action.buttons[2].reply.title: has 25 characters, 20 at most",
        ),
        (
            "interactive",
            _tap("button", {"buttons": _buttons("a", "b", "a")}),
            "interactive.action.buttons: two have the same reply.title, each needs its own",
        ),
        (
            "interactive",
            _tap("button", {"buttons": [*_buttons("a"), *[{"type": "reply", "reply": {"id": "0", "title": "b"}}]]}),
            "interactive.action.buttons: two have the same reply.id, each needs its own",
        ),
        (
            "interactive",
            _tap("button", {"buttons": _buttons("a")}, header={"type": "audio"}),
            f"interactive.header: {_UNTYPED} text, image, video or document",
        ),
        (
            "interactive",
            _tap("button", {"buttons": _buttons("a")}, header={"type": "image", "image": {}}),
            "interactive.header.image: must have exactly one of link, id and media_id",
        ),
        (
            "interactive",
            _tap("list", _sections(1), header={"type": "image", "image": {"id": "1"}}),
            "interactive.header: has a field beside type and text",
        ),
        (
            "interactive",
            _tap("list", _sections(6, 5, title="t")),
            "interactive.action.sections: have 11 rows in all, 10 at most",
        ),
        (
            "interactive",
            _tap("list", _sections(1, 1)),
            "interactive.action.sections: where there are several, each needs a title",
        ),
        (
            "interactive",
            _tap(
                "list", {"button": "b", "sections": [{"rows": [{"id": "1", "title": "t"}, {"id": "1", "title": "u"}]}]}
            ),
            "interactive.action.sections: two rows have the same id, each needs its own",
        ),
        (
            "interactive",
            _tap("cta_url", {"name": "flow", "parameters": {"display_text": "Go", "url": "https://example.com"}}),
            "interactive.action.name: must be 'cta_url'",
        ),
        (
            "interactive",
            _flow(flow_name="n"),
            "interactive.action.parameters: must have exactly one of flow_id and flow_name",
        ),
        (
            "interactive",
            _flow(flow_action="stay"),
            "interactive.action.parameters.flow_action: must be 'navigate' or 'data_exchange'",
        ),
        *(
            (
                "interactive",
                _flow(flow_action_payload={"screen": "A", "data": data}),
                f"interactive.action.parameters.flow_action_payload.data: {said}",
            )
            for data, said in [
                ([], "must be an object"),
                ({"a": ["\x00"]}, _UNCLEAN),
                ({"\ud800": 1}, _UNCLEAN),
                ({"a": 2**63}, "has a number of more than 64 bits"),
                ({"a": float("inf")}, "has a number that is none in JSON"),
                (_deep(32), "is nested more than 32 deep"),
                ({"a": "x" * 65536}, "is larger than 64 KiB"),
            ]
        ),
        (
            "template",
            _template(name="Order-Update"),
            "template.name: may have the letters a to z, digits and underscores only",
        ),
        ("template", _template(language="en"), "template.language: must be an object"),
        (
            "template",
            _template({"type": "footer"}),
            f"template.components[0]: {_UNTYPED} header, body, button or carousel",
        ),
        ("template", _template({"type": "body"}, {"type": "body"}), "template.components: two fill the same place"),
        (
            "template",
            _body({"type": "image", "image": {"id": "1"}}),
            f"template.components[0].parameters[0]: {_UNTYPED} text, currency or date_time",
        ),
        ("template", _body({"type": "text"}), "template.components[0].parameters[0].text: is missing"),
        (
            "template",
            _body(_TEXT, _TEXT | {"parameter_name": "a"}),
            "template.components[0].parameters: either all have a parameter_name or none",
        ),
        (
            "template",
            _body(*[_TEXT | {"parameter_name": "a"}] * 2),
            "template.components[0].parameters: two have the same parameter_name, each needs its own",
        ),
        (
            "template",
            _template({"type": "header", "parameters": [{"type": "image", "image": {"id": "1"}}] * 2}),
            "template.components[0].parameters: have more than one file",
        ),
        *(
            (
                "template",
                _template({"type": "button", "sub_type": "url", "index": index}),
                "template.components[0].index: must be a number from 0 to 99",
            )
            for index in (-1, 100, "first", "01", True, 1.0)
        ),
    ],
)
def test_a_problem_names_the_field_and_its_limit(kind: str, content: dict[str, Any], problem: str) -> None:
    assert validate_content(kind, content) == [problem]


def test_each_problem_is_told() -> None:
    content = _tap("button", {"buttons": _buttons("a" * 21, "b" * 22)}, footer={"text": ""})
    assert validate_content("interactive", content) == [
        "interactive.footer.text: must not be empty",
        "interactive.action.buttons[0].reply.title: has 21 characters, 20 at most",
        "interactive.action.buttons[1].reply.title: has 22 characters, 20 at most",
    ]


@pytest.mark.parametrize("emoji", ["👍", "❤️", "👍🏽", "👩‍👩‍👧", "🇳🇱", "1️⃣", "🏴󠁧󠁢󠁳󠁣󠁴󠁿", "©️", "‼️", "\u2139\ufe0f", "☺"])
def test_one_emoji_is_one_however_many_code_points_it_takes(emoji: str) -> None:
    assert validate_content("reaction", {"reaction": {"message_id": "w", "emoji": emoji}}) == []
