"""Messages of every kind as Graph takes them, each at Meta's limits, for tests that change one thing."""

from typing import Any

LINK = "https://example.com/file"


def interactive(kind: str, action: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"type": kind, "body": {"text": "Which?"}, "action": action} | parts


def buttons(*titles: str) -> dict[str, Any]:
    replies = [{"type": "reply", "reply": {"id": f"id {title}", "title": title}} for title in titles]
    return interactive("button", {"buttons": replies})


def rows(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"id": str(place), "title": f"Row {place}"} for place in range(first, first + count)]


def sections(*lists: list[dict[str, Any]], title: str = "Breads") -> dict[str, Any]:
    found = [{"title": title, "rows": one} for one in lists]
    return interactive("list", {"button": "Choose", "sections": found})


def flow(**parameters: Any) -> dict[str, Any]:
    known = {"flow_message_version": "3", "flow_id": "1", "flow_cta": "Book", "flow_token": "t"}
    return interactive("flow", {"name": "flow", "parameters": known | parameters})


def link_button(text: str = "Open", url: str = LINK) -> dict[str, Any]:
    return interactive("cta_url", {"name": "cta_url", "parameters": {"display_text": text, "url": url}})


LIST_ROW = {"id": "i" * 200, "title": "t" * 24, "description": "d" * 72}
TAKEN: list[tuple[str, Any]] = [
    ("text", {"body": "x" * 4096, "preview_url": True}),
    ("image", {"link": LINK, "caption": "x" * 1024}),
    ("video", {"link": LINK}),
    ("document", {"link": LINK, "filename": "bill.pdf", "caption": "a bill"}),
    ("audio", {"link": LINK, "voice": True}),
    ("sticker", {"link": LINK}),
    ("location", {"latitude": 52.52, "longitude": "13.405", "name": "Office", "address": "Street 1"}),
    ("contacts", [{"name": {"formatted_name": "Mira Vogel", "first_name": "Mira"}, "phones": [{"phone": "+49155"}]}]),
    ("interactive", buttons("x" * 20, "b", "c")),
    ("interactive", buttons("a") | {"body": {"text": "x" * 1024}, "footer": {"text": "x" * 60}}),
    ("interactive", buttons("a") | {"header": {"type": "text", "text": "x" * 60}}),
    ("interactive", buttons("a") | {"header": {"type": "document", "document": {"link": LINK, "filename": "a.pdf"}}}),
    ("interactive", sections([LIST_ROW]) | {"body": {"text": "x" * 4096}}),
    ("interactive", sections(rows(5), rows(5, 5), title="x" * 24)),
    ("interactive", link_button("x" * 20)),
    ("interactive", flow()),
    ("interactive", flow(flow_action="navigate", flow_action_payload={"screen": "ONE", "data": {}}, mode="draft")),
    ("interactive", interactive("location_request_message", {"name": "send_location"})),
    ("interactive", interactive("request_contact_info", {"name": "request_contact_info"})),
    ("interactive", {"type": "call_permission_request", "action": {"name": "call_permission_request"}}),
]
"""Kind and content."""

_TWICE = sections([{"id": "1", "title": "a"}, {"id": "1", "title": "b"}])
REFUSED: list[tuple[str, Any, int]] = [
    ("text", {"body": ""}, 131008),
    ("text", {"body": 5}, 131009),
    ("text", {"body": "x" * 4097}, 100),
    ("text", {"body": "x", "media_id": "1"}, 100),
    ("text", {"body": "x", "preview_url": "yes"}, 131009),
    ("image", {"caption": "x"}, 131008),
    ("image", {"link": "ftp://example.com"}, 100),
    ("image", {"link": LINK, "id": "1"}, 100),
    ("image", {"id": "404"}, 100),
    ("image", {"link": LINK, "caption": "x" * 1025}, 100),
    ("image", {"link": LINK, "filename": "a.jpg"}, 100),
    ("image", {"media_id": "0192"}, 100),
    ("audio", {"link": LINK, "caption": "x"}, 100),
    ("sticker", {"link": LINK, "caption": "x"}, 100),
    ("location", {"latitude": 52.52}, 131008),
    ("location", {"latitude": 91, "longitude": 0}, 131009),
    ("location", {"latitude": "north", "longitude": 0}, 131009),
    ("contacts", [], 131008),
    ("contacts", {"name": {}}, 131009),
    ("contacts", [{"phones": []}], 131008),
    ("contacts", [{"name": {"formatted_name": "Mira"}}], 131008),
    ("reaction", {"message_id": "wamid.unknown", "emoji": "👍"}, 131009),
    ("reaction", {"emoji": "👍"}, 131008),
    ("template", {"language": {"code": "en"}}, 131008),
    ("template", {"name": "hello_world"}, 131008),
    ("interactive", {"type": "poll", "action": {}}, 131009),
    ("interactive", {"type": "contact_request", "action": {}}, 131009),
    ("interactive", interactive("button", {"buttons": []}), 131009),
    ("interactive", interactive("button", {}), 131008),
    ("interactive", buttons("a", "b", "c", "d"), 131009),
    ("interactive", buttons("x" * 21), 131009),
    ("interactive", buttons("a", "a"), 131009),
    ("interactive", buttons("a") | {"body": {"text": "x" * 1025}}, 131009),
    ("interactive", buttons("a") | {"body": None}, 131008),
    ("interactive", buttons("a") | {"footer": {"text": "x" * 61}}, 131009),
    ("interactive", buttons("a") | {"header": {"type": "text", "text": "x" * 61}}, 131009),
    ("interactive", buttons("a") | {"header": {"type": "audio", "audio": {"link": LINK}}}, 131009),
    ("interactive", buttons("a") | {"header": {"type": "image", "image": {"id": "404"}}}, 100),
    ("interactive", sections([LIST_ROW | {"id": "i" * 201}]), 131009),
    ("interactive", sections([LIST_ROW | {"title": "t" * 25}]), 131009),
    ("interactive", sections([LIST_ROW | {"description": "d" * 73}]), 131009),
    ("interactive", sections(rows(6), rows(5, 6)), 131009),
    ("interactive", sections(*(rows(1, place) for place in range(11))), 131009),
    ("interactive", sections([]), 131009),
    ("interactive", sections(rows(1), title="x" * 25), 131009),
    ("interactive", sections(rows(1), rows(1, 1), title=""), 131008),
    ("interactive", _TWICE, 131009),
    ("interactive", sections(rows(1)) | {"header": {"type": "image", "image": {"link": LINK}}}, 131009),
    ("interactive", sections(rows(1)) | {"body": {"text": "x" * 4097}}, 131009),
    ("interactive", link_button("x" * 21), 131009),
    ("interactive", link_button(url="example.com"), 100),
    ("interactive", flow(flow_message_version="2"), 131009),
    ("interactive", flow(flow_name="both"), 131009),
    ("interactive", flow(flow_id=None), 131009),
    ("interactive", flow(flow_cta=""), 131008),
    ("interactive", flow(flow_action="jump"), 131009),
    ("interactive", interactive("location_request_message", {"name": "cta_url"}), 131009),
    ("interactive", {"type": "product_list"}, 131008),
    ("poll", {}, 131051),
]
"""Kind, content, and the code it is refused with."""
