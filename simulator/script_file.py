"""Fault scripts as people write them: YAML, checked, with each mistake named by its line and what to do."""

import difflib
from typing import Annotated, Any

import yaml  # type: ignore[import-untyped]
from pydantic import ConfigDict, Field, ValidationError

from simulator.orders import FaultOrder, Order, Seconds, SomeSeconds
from simulator.script import Script, Step

Place = tuple[int | str, ...]


class ScriptError(Exception):
    """A script that cannot be played: every mistake with its line."""


class StepOrder(FaultOrder):
    """One entry of `faults`: a fault, when it begins and how long it lasts."""

    model_config = ConfigDict(populate_by_name=True)

    at: Seconds = 0.0
    lasts: SomeSeconds | None = Field(default=None, alias="for")


class ScriptOrder(Order):
    """A whole file."""

    seed: Annotated[int, Field(ge=0)] = 0
    faults: Annotated[list[StepOrder], Field(min_length=1)]


def read_script(text: str, *, name: str) -> Script:
    """Read a script.

    Raises:
        ScriptError: it is no YAML, or asks for what there is not; `name` begins each line of its message.
    """
    try:
        loader = yaml.SafeLoader(text)
        node = loader.get_single_node()
        content = None if node is None else loader.construct_document(node)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where = f"{name}, line {mark.line + 1 if mark else 1}"
        raise ScriptError(f"{where}: this is not YAML: {error.problem}. Indent with blanks only.") from error
    except RecursionError as error:
        raise ScriptError(f"{name}, line 1: this is nested far deeper than a script is.") from error
    except yaml.YAMLError as error:
        raise ScriptError(f"{name}, line 1: this is not YAML: {error}") from error
    if not isinstance(content, dict):
        raise ScriptError(f"{name}, line 1: a script begins with `faults:` and a list of faults.")
    mistakes = _doubled(node)
    try:
        order = ScriptOrder.model_validate(content)
    except ValidationError as error:
        mistakes += [(_line(node, one["loc"]), _told(one)) for one in error.errors()]
    if mistakes:
        raise ScriptError("\n".join(f"{name}, line {line}: {told}" for line, told in sorted(mistakes)))
    steps = [Step(one.at, one.lasts, one.fault()) for one in sorted(order.faults, key=lambda one: one.at)]
    return Script("file", order.seed, steps)


def _line(node: Any, place: Place) -> int:
    """The line of the value at a place, or of the nearest thing around it."""
    line = int(node.start_mark.line) + 1
    for part in place:
        if isinstance(node, yaml.MappingNode):
            found = next(((key, value) for key, value in node.value if key.value == part), None)
            if found is None:
                return line
            line, node = int(found[0].start_mark.line) + 1, found[1]
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int):
            node = node.value[part]
            line = int(node.start_mark.line) + 1
        else:
            return line
    return line


def _doubled(node: Any) -> list[tuple[int, str]]:
    """Keys that stand twice in one mapping: YAML would silently take the second."""
    found: list[tuple[int, str]] = []
    if isinstance(node, yaml.SequenceNode):
        for child in node.value:
            found += _doubled(child)
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                told = f"{key.value}: it stands here a second time. Keep one of the two."
                found.append((int(key.start_mark.line) + 1, told))
            seen.add(key.value)
            found += _doubled(value)
    return found


def _told(error: Any) -> str:
    """A mistake in words: what, and what to do."""
    place: Place = error["loc"]
    name = str(place[-1]) if place else "faults"
    match error["type"]:
        case "extra_forbidden":
            known = _names(StepOrder if len(place) > 1 else ScriptOrder)
            near = difflib.get_close_matches(name, known, n=1)
            hint = f"Did you mean {near[0]}?" if near else f"There are {', '.join(known)}."
            return f"{name}: there is no such field. {hint}"
        case "missing":
            return f"{name}: it is missing. Add it."
        case "string_type":
            return f'{name}: this must be text. Put it in quotes: "{error["input"]}".'
        case "value_error":
            return f"{error['ctx']['error']!s}."
        case _:
            return f"{name}: {error['msg'][:1].lower()}{error['msg'][1:]}, not {error['input']!r}."


def _names(order: type[Order]) -> list[str]:
    return [field.alias or name for name, field in order.model_fields.items()]
