"""The types of events that a business's own software can be told: the one list, with what each means.

docs/events.md has a heading for each; a test compares the two.
"""

from typing import Literal

EventType = Literal[
    "onboarding.live",
    "onboarding.failed",
    "onboarding.waiting",
    "integration.live",
    "integration.held",
    "integration.stopped",
    "integration.disconnected",
    "token.expiring",
    "finding.opened",
    "finding.cleared",
    "message.undecided",
    "conversation.handed_over",
    "template.status_changed",
    "template.category_changed",
    "test",
]

EVENT_TYPES: dict[EventType, str] = {
    "onboarding.live": "An onboarding has connected its number.",
    "onboarding.failed": "An onboarding ended without a connected number.",
    "onboarding.waiting": "An onboarding waits for a person: a PIN, a choice, a repair, a first message.",
    "integration.live": "A number sends again, or for the first time.",
    "integration.held": "A number's token or permission is gone: messages come in, none leave.",
    "integration.stopped": "Meta has stopped a number: messages come in, none leave.",
    "integration.disconnected": "A number is no longer connected.",
    "token.expiring": "A number's access token ends in 14, 7 or 1 days.",
    "finding.opened": "A check found something wrong with a number.",
    "finding.cleared": "What a check had found is gone.",
    "message.undecided": "Nobody knows whether a message reached its customer, and a person is asked.",
    "conversation.handed_over": "A conversation needs a person: the bot does not answer it any more.",
    "template.status_changed": "A template was approved, rejected, paused, disabled or deleted.",
    "template.category_changed": "Meta has put a template into another category: its price is another.",
    "test": "You asked for a trial of an endpoint.",
}
