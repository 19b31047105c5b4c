"""The examples of templates that OpenAPI shows; a test checks that each has the shape of what the route answers."""

from typing import Any

TEMPLATE: dict[str, Any] = {
    "id": "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a21",
    "meta_id": "1689556908129832",
    "waba_id": "102290129340398",
    "name": "order_shipped",
    "language": "en_US",
    "category": "UTILITY",
    "correct_category": None,
    "status": "PAUSED",
    "usable": False,
    "says": "Meta has paused the template: customers did not want it.",
    "next_step": "Wait until Meta resumes it, or use another template.",
    "quality": "RED",
    "parameter_format": "positional",
    "components": [{"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way."}],
    "deleted": False,
    "read_at": "2026-11-21T09:00:00Z",
    "created_at": "2026-11-20T08:00:00Z",
}
TEMPLATES = {"items": [TEMPLATE], "next_cursor": None}
MADE = TEMPLATE | {
    "status": "PENDING",
    "says": "Meta has not reviewed the template yet.",
    "next_step": "Wait until it is approved, or use another one.",
    "quality": None,
    "read_at": None,
}
DELETED = {
    "deleted": [
        TEMPLATE
        | {
            "status": "DELETED",
            "says": "Meta has deleted the template. Meta has it no more.",
            "next_step": "Use another template, or make it anew under another name.",
            "deleted": True,
        }
    ]
}
READ = {"waba_id": "102290129340398", "templates": 12, "new": 1, "changed": 2, "gone": 0}
