"""The page of messages says of what goes out what the rules say."""

import json
import re

from tests.docs.kinds_out import PAGE, page
from tests.outgoing import SHOWN
from whatsapp.messages import PARTS, validate_content


def test_the_page_of_messages_is_the_one_that_rules_and_examples_make() -> None:
    assert PAGE.read_text() == page()


def test_each_example_on_the_page_can_be_sent_and_there_is_one_of_every_kind() -> None:
    part = page().partition("## What goes out")[2].partition("\n## ")[0]
    shown = [json.loads(block) for block in re.findall(r"```json\n(.*?)```", part, flags=re.DOTALL)]
    assert len(shown) == len(SHOWN)
    for example in shown:
        kind = example.pop("type")
        assert validate_content(kind, example) == []
    assert {f"| `{kind}`" for kind in PARTS} <= set(re.findall(r"^\| `[a-z]+`", part, flags=re.MULTILINE))
