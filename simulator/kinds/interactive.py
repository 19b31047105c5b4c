"""Interactive messages: buttons, lists, links, flows, requests, and the kinds that need a catalogue or a call."""

from collections.abc import Callable

from simulator.kinds.attachments import check_attachment
from simulator.kinds.params import MISSING, NOT_VALID, Param
from simulator.kinds.sending import Sending
from simulator.refusals import RefusedError

BODY, LIST_BODY, FOOTER, HEADER = 1024, 4096, 60, 60
BUTTONS, BUTTON_ID, BUTTON_TITLE = 3, 256, 20
SECTIONS, ROWS, SECTION_TITLE = 10, 10, 24
ROW_ID, ROW_TITLE, ROW_DESCRIPTION = 200, 24, 72
_HEADERS = ("text", "image", "video", "document")
_OTHERS = frozenset({
    "address_message", "voice_call", "call_permission_request", "carousel", "product", "product_list",
    "catalog_message", "order_details", "order_status",
})  # fmt: skip
"""Kinds that need more than this simulator has; an action is all it asks of them."""


def check_interactive(sending: Sending, interactive: Param) -> None:
    """`interactive`, by its own type."""
    interactive = Param(interactive.name, interactive.value, NOT_VALID)
    kind = interactive.one_of("type", {*_CHECKS, *_OTHERS})
    if kind in _OTHERS:
        interactive.object("action")
        return
    interactive.only("type", "header", "body", "footer", "action")
    interactive.object("body").text("text", longest=LIST_BODY if kind == "list" else BODY)
    if footer := interactive.maybe_object("footer"):
        footer.text("text", longest=FOOTER)
    if header := interactive.maybe_object("header"):
        _check_header(sending, header, known=("text",) if kind == "list" else _HEADERS)
    _CHECKS[kind](interactive.object("action"))


def _check_header(sending: Sending, header: Param, *, known: tuple[str, ...]) -> None:
    kind = header.one_of("type", known)
    if kind == "text":
        header.only("type", "text")
        header.text("text", longest=HEADER)
        return
    header.only("type", kind)
    check_attachment(sending, kind, header.object(kind))


def _check_buttons(action: Param) -> None:
    action.only("buttons")
    replies = []
    for button in action.objects("buttons", most=BUTTONS):
        button.one_of("type", {"reply"})
        reply = button.object("reply")
        replies.append((reply.text("id", longest=BUTTON_ID), reply.text("title", longest=BUTTON_TITLE)))
    for place, word in enumerate(("id", "title")):
        _check_unique([reply[place] for reply in replies], f"Button {word}")


def _check_list(action: Param) -> None:
    action.only("button", "sections")
    action.text("button", longest=BUTTON_TITLE)
    sections = action.objects("sections", most=SECTIONS)
    rows = []
    for section in sections:
        title = section.maybe_text("title", longest=SECTION_TITLE)
        if not title and len(sections) > 1:
            raise RefusedError(MISSING, details=f"Parameter {section.at('title')} is required with several sections")
        rows += section.objects("rows", most=ROWS)
    if len(rows) > ROWS:
        raise RefusedError(NOT_VALID, details=f"Total row count exceed max allowed count: {ROWS}")
    ids = []
    for row in rows:
        ids.append(row.text("id", longest=ROW_ID))
        row.text("title", longest=ROW_TITLE)
        row.maybe_text("description", longest=ROW_DESCRIPTION)
    _check_unique(ids, "Row id")


def _check_link(action: Param) -> None:
    parameters = _named(action, "cta_url").object("parameters")
    parameters.text("display_text", longest=BUTTON_TITLE)
    parameters.link("url")


def _check_flow(action: Param) -> None:
    parameters = _named(action, "flow").object("parameters")
    parameters.one_of("flow_message_version", {"3"})
    if bool(parameters.maybe_text("flow_id")) == bool(parameters.maybe_text("flow_name")):
        raise RefusedError(NOT_VALID, details=f"{parameters.name} needs either flow_id or flow_name")
    parameters.text("flow_cta")
    parameters.maybe_text("flow_token")
    if "flow_action" in parameters.value:
        parameters.one_of("flow_action", {"navigate", "data_exchange"})
    if "mode" in parameters.value:
        parameters.one_of("mode", {"draft", "published"})
    if payload := parameters.maybe_object("flow_action_payload"):
        payload.text("screen")


def _check_location_request(action: Param) -> None:
    _named(action, "send_location")


def _check_contact_request(action: Param) -> None:
    _named(action, "request_contact_info")


def _named(action: Param, name: str) -> Param:
    action.one_of("name", {name})
    return action


def _check_unique(values: list[str], what: str) -> None:
    if len(set(values)) < len(values):
        raise RefusedError(NOT_VALID, details=f"{what} must be unique")


_CHECKS: dict[str, Callable[[Param], None]] = {
    "button": _check_buttons,
    "list": _check_list,
    "cta_url": _check_link,
    "flow": _check_flow,
    "location_request_message": _check_location_request,
    "request_contact_info": _check_contact_request,
}
