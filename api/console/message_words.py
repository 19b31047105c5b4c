"""What the pages say of a message: the one thing to read first, each attempt, each status, and what it says itself."""

from api.console.telling import Headline, Tone
from store.reading.attempts import Attempt
from store.reading.messages import Message, Story
from store.reading.outcomes import Settled

_SHORT = 80
_RISK = "Sent again, the customer may get it twice; given up, perhaps not at all."
_TITLES: dict[str, tuple[str, str, Tone]] = {
    "queued": ("This message waits to be sent", "Queued", "work"),
    "sending": ("This message is being sent", "Being sent", "work"),
    "accepted": ("Meta has accepted this message", "Accepted", "good"),
    "failed": ("This message failed", "Failed", "bad"),
    "expired": ("This message was not sent: it came too late", "Expired", "calm"),
    "cancelled": ("This message was not sent", "Cancelled", "calm"),
}
_REACHED = {
    "sent": ("Meta has sent this message", "Sent"),
    "delivered": ("The customer has this message", "Delivered"),
    "read": ("The customer has read this message", "Read"),
    "played": ("The customer has played this message", "Played"),
}
_ATTEMPTS: dict[str, tuple[str, Tone]] = {
    "posting": ("It is being posted", "work"),
    "accepted": ("Meta accepted it", "good"),
    "rejected": ("It was not taken", "bad"),
    "unknown": ("Nobody knows whether Meta took it", "wait"),
    "given_back": ("Not posted: it was given back to the queue", "calm"),
}
STATUSES: dict[str, Tone] = {"sent": "calm", "delivered": "good", "read": "good", "played": "good", "failed": "bad"}
AUTHORS = {"customer": "the customer", "bot": "the bot", "person": "a person", "api": "your software"}
POLICIES = {
    "evidence": "Go by the evidence",
    "ask": "Always ask",
    "resend": "Send it again",
    "give_up": "Give it up",
}


def of_message(story: Story) -> Headline:
    """Where a message stands."""
    message, outcome = story.message, story.outcome
    if outcome is None:
        return Headline("A message of the customer's", "Received", "calm", message.why or "")
    if message.state == "unknown":
        if outcome.awaited_until is None:
            title = "Nobody knows whether this message arrived"
            return Headline(title, "Waiting for your decision", "wait", _RISK)
        return Headline("It is not known yet whether this message arrived", "Waiting for Meta", "wait", outcome.says)
    title, state, tone = _TITLES[message.state]
    if message.state == "accepted":
        return Headline(*_REACHED.get(message.delivery, (title, state)), tone, message.why or "")
    return Headline(title, state, tone, outcome.says)


def of_attempt(attempt: Attempt) -> tuple[str, Tone]:
    """What came of an attempt."""
    return _ATTEMPTS[attempt.state]


def of_settled(settled: Settled) -> str:
    """Who did what about an attempt that nobody knew the outcome of."""
    who = settled.decided_by_name or ("Holdfast" if settled.decided_by == "holdfast" else "Somebody")
    match settled.decision:
        case "resend":
            return f"{who} had it sent again"
        case "give_up":
            return f"{who} gave it up"
    return "A person was asked"


def content_of(message: Message) -> str:
    """What a message says, in words."""
    return message.in_words


def short(message: Message) -> str:
    """The beginning of what it says."""
    said = " ".join(content_of(message).split())
    if len(said) <= _SHORT:
        return said
    whole = said[:_SHORT].rpartition(" ")[0] or said[: _SHORT - 1]
    return f"{whole} …"
