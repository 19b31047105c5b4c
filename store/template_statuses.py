"""What a template's status means for whoever wants to send it, in words.

Statuses are Meta's own words, new ones come without notice: what is not listed here is sent, and Meta judges.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nothing is sent with a template of this status, and what helps."""

    says: str
    next_step: str


_GONE = Refused("Meta has deleted the template.", "Use another template, or make it anew under another name.")

REFUSED = {
    "ARCHIVED": Refused(
        "The template is archived: Meta deletes it after 28 days.",
        "Take it out of the archive in WhatsApp Manager, or use another template.",
    ),
    "DELETED": _GONE,
    "DISABLED": Refused("Meta has disabled the template for good.", "Make a new template that customers expect."),
    "IN_APPEAL": Refused(
        "The template was rejected, and Meta looks at it again.", "Wait for Meta's decision, or use another template."
    ),
    "LIMIT_EXCEEDED": Refused(
        "The account has more templates than Meta allows.", "Delete templates that nobody uses, then make it anew."
    ),
    "PAUSED": Refused(
        "Meta has paused the template: customers did not want it.",
        "Wait until Meta resumes it, or use another template.",
    ),
    "PENDING": Refused("Meta has not reviewed the template yet.", "Wait until it is approved, or use another one."),
    "PENDING_DELETION": Refused("Meta is deleting the template.", "Use another template."),
    "REJECTED": Refused(
        "Meta has rejected the template.", "Correct it and have it reviewed again, or use another template."
    ),
}
"""Statuses that Meta would refuse a message for."""


def refused(status: str, *, deleted: bool) -> Refused | None:
    """Why nothing is sent with it; None: it may be."""
    return _GONE if deleted else REFUSED.get(status)
