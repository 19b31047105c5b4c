"""Files of ours in a message: found where Meta has files, and nowhere else; called by Meta's id when it is posted."""

import json
from typing import Any

import pytest

from whatsapp.own_files import own_files, with_meta_id

A = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a21"
META_ID = "4490709327384033"


def _image(**name: str) -> dict[str, Any]:
    return {"image": {**name, "caption": "media_id"}}


CARRIED: list[tuple[str, str, str, dict[str, Any]]] = [
    ("image", "image.media_id", "image", _image(media_id=A)),
    ("document", "document.media_id", "document", {"document": {"media_id": A, "filename": "a.pdf"}}),
    (
        "interactive",
        "interactive.header.video.media_id",
        "video",
        {"interactive": {"type": "button", "header": {"type": "video", "video": {"media_id": A}}, "body": {}}},
    ),
    (
        "interactive",
        "interactive.action.cards.0.header.image.media_id",
        "image",
        {"interactive": {"action": {"cards": [{"header": {"type": "image", **_image(media_id=A)}}]}}},
    ),
    (
        "template",
        "template.components.1.parameters.0.image.media_id",
        "image",
        {"template": {"components": [{}, {"type": "header", "parameters": [{"type": "image", **_image(media_id=A)}]}]}},
    ),
]


@pytest.mark.parametrize(("kind", "where", "of", "content"), CARRIED)
def test_a_file_of_ours_is_found_and_called_as_meta_calls_it(
    kind: str, where: str, of: str, content: dict[str, Any]
) -> None:
    (found,) = own_files(kind, content)
    assert (found.where, found.kind, found.media_id) == (where, of, A)
    before = json.dumps(content)
    posted = with_meta_id(kind, content, META_ID)
    assert posted == json.loads(before.replace(f'"media_id": "{A}"', f'"id": "{META_ID}"'))
    assert json.dumps(content) == before, "what is kept is left as it was"


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("text", {"text": {"body": A, "media_id": A}}),
        ("image", _image(link="https://bakery.example.com/a.jpg")),
        ("image", {"image": {"media_id": 4}}),
        ("image", {"image": A}),
        ("image", {}),
        (
            "interactive",
            {"interactive": {"action": {"parameters": {"flow_action_payload": {"data": _image(media_id=A)}}}}},
        ),
    ],
)
def test_what_only_looks_like_a_file_of_ours_is_left_as_it_is(kind: str, content: dict[str, Any]) -> None:
    assert own_files(kind, content) == []
    assert with_meta_id(kind, content, META_ID) == content
