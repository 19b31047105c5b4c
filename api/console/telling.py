"""What the pages say of a number and of an onboarding: titles, states in words, and how serious each is."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

from store.reading.integrations import Integration
from store.reading.onboardings import Onboarding

Tone = Literal["good", "work", "wait", "bad", "calm"]
"""Which colour and sign stand beside the words: never alone."""

STEP_TITLES = {
    "exchange": "Get access from Meta",
    "inspect": "Check the access",
    "find": "Find the number",
    "connect": "Prepare the connection",
    "subscribe": "Subscribe to its messages",
    "register": "Register the number",
    "check": "Ask Meta about the number",
    "activate": "Go live",
    "prove": "Receive a first message",
}
STEP_STATES: dict[str, tuple[str, Tone]] = {
    "pending": ("To come", "calm"),
    "running": ("Under way", "work"),
    "done": ("Done", "good"),
    "skipped": ("Not needed", "calm"),
    "waiting": ("Waiting for you", "wait"),
    "failed": ("Failed", "bad"),
    "undone": ("Taken back", "calm"),
}
WAYS = {
    "popup": "Facebook's window",
    "frontend": "your own page",
    "redirect": "redirect to Facebook",
    "by_hand": "by hand",
    "recovery": "found again at Meta",
}
_NUMBER_STATES: dict[str, tuple[str, Tone]] = {
    "connecting": ("Being connected", "work"),
    "live": ("Connected", "good"),
    "held": ("Held", "bad"),
    "stopped": ("Stopped by Meta", "bad"),
    "disconnected": ("Disconnected", "calm"),
}
_WAITS = {
    "code": "Sign in at Facebook once more",
    "number": "Choose the number to connect",
    "pin": "Enter the number's PIN",
    "retry": "Something has to be put right first",
    "proof": "Write it a first message",
}

_REDIRECTS = {
    "login_declined": "The access was not given in Facebook's dialog. Nothing was changed; you can go there again.",
    "login_failed": "Facebook's dialog came back without a code. Go there again.",
    "state_unknown": "The way back from Facebook was not the one that this browser set out on. Start it again here.",
    "state_expired": "More than ten minutes passed at Facebook. Start again.",
    "state_other_browser": "You came back in another browser than you set out in. Start and end in the same one.",
    "state_used": "This way back from Facebook was used before. If nothing is under way, start again.",
    "unavailable": "A part of Holdfast did not answer when you came back from Facebook. Start again in a moment.",
}


@dataclass(frozen=True, slots=True)
class Headline:
    """The one thing to read first."""

    title: str
    state: str
    tone: Tone
    says: str = ""
    next_step: str = ""


def of_onboarding(onboarding: Onboarding) -> Headline:
    """Where an onboarding stands."""
    named = _named(onboarding)
    match onboarding.state:
        case "failed":
            error = onboarding.error
            says, next_step = (error.detail, error.next_step) if error else ("", "")
            return Headline(f"{named} is not connected", "Failed", "bad", says, next_step)
        case "cancelled":
            says = onboarding.error.detail if onboarding.error else "What was done has been taken back."
            return Headline("This was cancelled", "Cancelled", "calm", says, "Start again whenever you like.")
    if onboarding.cancel_requested_at is not None and onboarding.ended_at is None:
        return Headline("Being cancelled", "Under way", "work", "What was done is being taken back.")
    return _live(onboarding, named) if onboarding.state == "live" else _running(onboarding, named)


def _running(onboarding: Onboarding, named: str) -> Headline:
    says, next_step = onboarding.says or "", onboarding.next_step or ""
    if onboarding.waiting_for == "retry" and is_locked(onboarding):
        return Headline("Meta takes no further attempt for now", "Waiting for Meta", "wait", says)
    if onboarding.waiting_for is not None:
        return Headline(_WAITS[onboarding.waiting_for], "Waiting for you", "wait", says, next_step)
    title = f"Connecting {named[0].lower()}{named[1:]}"
    return Headline(title, "Under way", "work", f"{STEP_TITLES[onboarding.step]} …")


def is_locked(onboarding: Onboarding) -> bool:
    """Whether Meta has said until when it takes no further registration."""
    until = onboarding.register_not_before
    return until is not None and until > datetime.now(UTC)


def _live(onboarding: Onboarding, named: str) -> Headline:
    title = f"{named} is connected"
    match onboarding.proof.kind:
        case "inbound" | "template":
            return Headline(title, "Live", "good", "A message has proven it: customers reach you, and you reach them.")
        case "declined":
            return Headline(
                title, "Live", "good", "No first message was awaited; the next one a customer writes will do."
            )
    if onboarding.waiting_for == "proof":
        return Headline(title, "Live", "good", "One thing is left: see that a message really arrives.")
    return Headline(title, "Live", "good", onboarding.says or "")


def refused_redirect(code: str | None) -> str | None:
    """Why one came back from Facebook's dialog with nothing."""
    if code is None:
        return None
    return _REDIRECTS.get(code, "Coming back from Facebook did not work. Start again; connecting by hand works too.")


def of_number(number: Integration) -> Headline:
    """How a number is doing."""
    state, tone = _NUMBER_STATES[number.state]
    if number.state == "live" and not number.enabled:
        return Headline(number.phone_number, "Switched off", "wait", "Messages are kept; none are answered or sent.")
    return Headline(number.phone_number, state, tone, number_says(number))


def number_says(number: Integration) -> str:
    """What its state means."""
    match number.state:
        case "live":
            return "Messages come in and leave."
        case "connecting":
            return "Messages that come meanwhile are kept and answered once it is live."
        case "held":
            return "Messages come in; none leave until it has what it lacks."
        case "stopped":
            return "Meta lets nothing leave. What is queued waits."
    return "Nothing comes in or leaves. Conversations are kept."


def _named(onboarding: Onboarding) -> str:
    number = onboarding.number
    if number is None or not number.phone_number:
        return "Your number"
    return f"Your number {number.phone_number}"
