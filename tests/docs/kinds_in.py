"""What comes in, in docs/messages.md, made from the tests' own messages: `python -m tests.docs.kinds_in`."""

import json
import sys
from pathlib import Path
from typing import Any

from tests.docs.generated import with_part
from tests.intake.kinds_in import KINDS_IN
from tests.unit.bodies import body, change, message
from whatsapp.events import InboundMessage
from whatsapp.kinds import about, file_of
from whatsapp.parsing import parse
from whatsapp.words import in_words

PAGE = Path(__file__).parents[2] / "docs" / "messages.md"


def page() -> str:
    """The whole page, with the part on what comes in made anew."""
    return with_part(PAGE, "tests.docs.kinds_in", _made())


def read(parts: dict[str, Any]) -> InboundMessage:
    """A message as intake reads it."""
    bare = {key: part for key, part in message().items() if key not in ("text", "type")}
    (found, *_) = parse(body(change(messages=[bare | parts])))
    if not isinstance(found, InboundMessage):
        raise TypeError(found)
    return found


def _made() -> str:
    rows = "\n".join(f"| {name} | {_row(read(parts))} |" for name, parts in KINDS_IN.items())
    shown = "\n".join(_example(name) for name in KINDS_IN)
    return f"| kind | `type` | `in_words` | with it |\n|---|---|---|---|\n{rows}\n\n{shown}"


def _row(one: InboundMessage) -> str:
    words = in_words(one.type, one.content).replace("|", "\\|")
    return f"`{one.type}` | {words} | {_with_it(one)}"


def _with_it(one: InboundMessage) -> str:
    told = []
    if file_of(one.type, one.content) is not None:
        told.append("its file is fetched")
    if one.became is not None:
        told.append("the new identity is the same contact's")
    if about(one.type, one.content) is not None:
        told.append("shown on the message it is about")
    if one.answerable:
        told.append("opens the window, is answered")
    return "; ".join(told) or "kept, not answered"


def _example(name: str) -> str:
    shown = json.dumps(KINDS_IN[name], ensure_ascii=False, indent=2)
    return f"#### {name[0].upper()}{name[1:]}\n\n```json\n{shown}\n```\n"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
    sys.stdout.write(f"{PAGE.name} is up to date.\n")
