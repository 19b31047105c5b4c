"""What Meta's webhooks say of templates."""

from typing import Any

import pytest

from whatsapp.account_changes import read_change
from whatsapp.template_changes import (
    TemplateCategory,
    TemplateComponents,
    TemplateNamed,
    TemplateQuality,
    TemplateStatus,
)

NAMED = {
    "message_template_id": 1689556908129832,
    "message_template_name": "order_confirmation",
    "message_template_language": "en-US",
}
TEMPLATE = TemplateNamed("1689556908129832", "order_confirmation", "en_US")
STATUS = "message_template_status_update"


@pytest.mark.parametrize(
    ("field", "value", "change"),
    [
        (
            STATUS,
            {"event": "APPROVED", "reason": "NONE", "message_template_category": "UTILITY"},
            TemplateStatus(TEMPLATE, "APPROVED", None, None, "UTILITY"),
        ),
        (STATUS, {"event": "PAUSED", "reason": None}, TemplateStatus(TEMPLATE, "PAUSED", None, None, None)),
        (
            STATUS,
            {
                "event": "REJECTED",
                "reason": "INVALID_FORMAT",
                "rejection_info": {"reason": "Side by side.", "recommendation": "Separate them."},
            },
            TemplateStatus(TEMPLATE, "REJECTED", "Side by side.", "Separate them.", None),
        ),
        (
            STATUS,
            {"event": "PAUSED", "other_info": {"title": "FIRST_PAUSE", "description": "Paused for 3 hours."}},
            TemplateStatus(TEMPLATE, "PAUSED", "Paused for 3 hours.", None, None),
        ),
        (
            "message_template_quality_update",
            {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW"},
            TemplateQuality(TEMPLATE, "YELLOW"),
        ),
        (
            "template_category_update",
            {"previous_category": "UTILITY", "new_category": "MARKETING"},
            TemplateCategory(TEMPLATE, "MARKETING", None),
        ),
        (
            "template_category_update",
            {"new_category": "UTILITY", "correct_category": "MARKETING"},
            TemplateCategory(TEMPLATE, "UTILITY", "MARKETING"),
        ),
        ("message_template_components_update", {"message_template_element": "Hi"}, TemplateComponents(TEMPLATE)),
    ],
)
def test_what_each_event_says(field: str, value: dict[str, Any], change: Any) -> None:
    assert read_change(field, NAMED | value) == change


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (STATUS, {"event": "APPROVED"}),
        (STATUS, NAMED),
        ("message_template_quality_update", NAMED),
        ("template_category_update", NAMED),
        ("message_template_components_update", {"message_template_id": "x" * 600}),
        ("something_else", NAMED),
    ],
)
def test_what_names_no_template_or_says_nothing_is_none(field: str, value: dict[str, Any]) -> None:
    assert read_change(field, value) is None
