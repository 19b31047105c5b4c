"""Meta's error codes, each once: what it means in plain words, what is done, what a person can do (section 8.3).

`whatsapp.errors` reads it. HTTP statuses are not in it: Meta's pages disagree about them, so nothing branches on them.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Literal

Kind = Literal["retry", "unknown", "permanent", "hold"]
Hold = Literal["token", "permission", "stopped", "app"]
Effect = Literal["slow_number", "slow_pair", "close_window", "opt_out", "warn_owner"]
"""What an error tells beyond its message: of the number's rate, the pair's, the window, the contact, the account."""


class ErrorClass(StrEnum):
    """What an error is about."""

    AUTH = "auth"
    PERMISSION = "permission"
    THROTTLE = "throttle"
    INTEGRITY = "integrity"
    WINDOW = "window"
    RECIPIENT = "recipient"
    PARAMETER = "parameter"
    TEMPLATE = "template"
    MEDIA = "media"
    REGISTRATION = "registration"
    SERVER = "server"
    BILLING = "billing"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BackOff:
    """How the wait grows from one refused attempt to the next."""

    first: timedelta = timedelta(seconds=1)
    factor: float = 2
    most: timedelta = timedelta(minutes=1)

    def after(self, attempt: int) -> timedelta:
        """The wait after the attempt with this number (the first is 1) was refused."""
        wait = self.first
        for _ in range(attempt - 1):
            if wait >= self.most:
                break
            wait *= self.factor
        return min(wait, self.most)


@dataclass(frozen=True, slots=True)
class Rule:
    """What the table says of a code."""

    error_class: ErrorClass
    kind: Kind
    meaning: str
    next_step: str
    hold: Hold | None = None
    back_off: BackOff = BackOff()
    not_before: timedelta | None = None
    effect: Effect | None = None
    most_attempts: int | None = None
    """Of a retry: after this many refusals it is given up; None: never, something else ends it."""


FEW = 5
"""Attempts, where Meta says "few": what fails five times at Meta's own trouble is told to somebody."""

_C = ErrorClass
_MINUTES = BackOff(timedelta(minutes=1), 2, timedelta(minutes=30))
_HOURS = BackOff(timedelta(hours=4), 2, timedelta(hours=24))
PAIR = BackOff(timedelta(seconds=1), 4, timedelta(seconds=4**6))
"""Meta's own words: retry after 4^X seconds, X = 0, 1, 2 and so on."""

_WAIT = "Nothing to do: it is sent again by itself."
_STEPS = {
    _C.AUTH: "Reconnect the number: its access token has to be renewed. What waits is then sent in order.",
    _C.PERMISSION: "Give the app its access to this account back in Meta's business settings, or reconnect the number.",
    _C.INTEGRITY: "Look at the account's quality and restrictions in WhatsApp Manager, and appeal there.",
    _C.RECIPIENT: "Reach this customer another way; sending it again changes nothing.",
    _C.PARAMETER: "Correct the message and send it anew.",
    _C.TEMPLATE: "Correct the template or its parameters in WhatsApp Manager and send it anew.",
    _C.MEDIA: "Check the file's type and size and send it anew.",
    _C.REGISTRATION: "Look at the number's state in WhatsApp Manager and finish its registration.",
    _C.BILLING: "Put the account's payment method in order in WhatsApp Manager.",
    _C.SERVER: "Nothing to do: what became of it is found out first, then it is sent again if need be.",
    _C.OTHER: "Look the code up in Meta's list of error codes.",
}


def _permanent(error_class: ErrorClass, meaning: str, next_step: str = "", *, effect: Effect | None = None) -> Rule:
    return Rule(error_class, "permanent", meaning, next_step or _STEPS[error_class], effect=effect)


def _hold(hold: Hold, error_class: ErrorClass, meaning: str, next_step: str = "") -> Rule:
    return Rule(error_class, "hold", meaning, next_step or _STEPS[error_class], hold=hold)


def _unknown(meaning: str, error_class: ErrorClass = _C.SERVER) -> Rule:
    return Rule(error_class, "unknown", meaning, _STEPS[_C.SERVER])


def _retry(
    meaning: str,
    back_off: BackOff = BackOff(),
    *,
    error_class: ErrorClass = _C.THROTTLE,
    not_before: timedelta | None = None,
    next_step: str = _WAIT,
    effect: Effect | None = None,
) -> Rule:
    return Rule(error_class, "retry", meaning, next_step, back_off=back_off, not_before=not_before, effect=effect)


def _all(codes: Iterable[int], rule: Rule) -> dict[int, Rule]:
    return dict.fromkeys(codes, rule)


_PERMISSION = _hold("permission", _C.PERMISSION, "The app has lost a permission for this account.")
_GRAPH_LIMIT = _retry("A limit on calls to the Graph API is reached.", _MINUTES)
_FLOW = _permanent(_C.PARAMETER, "The flow in the message is not as Meta wants it.")
_USERNAME = _permanent(_C.PARAMETER, "The business's username was not accepted.", "Choose another username.")

RULES: dict[int, Rule] = {
    # Access
    0: _hold("token", _C.AUTH, "Meta could not authenticate the app's user."),
    102: _hold("token", _C.AUTH, "The access token's session is over."),
    104: _hold("token", _C.AUTH, "The access token or its signature was missing."),
    190: _hold("token", _C.AUTH, "The access token has expired or is no longer valid."),
    3: _PERMISSION,
    10: _hold("permission", _C.PERMISSION, "A permission was removed or never given, or the account is not eligible."),
    **_all(range(200, 300), _PERMISSION),
    131005: _hold("permission", _C.PERMISSION, "Access denied: a permission was removed or never given."),
    # Meta's own trouble: the message may have gone out all the same.
    1: _unknown("Meta met an unknown error; whether the message left is not certain."),
    2: _unknown("Meta's service was down or overloaded; whether the message left is not certain."),
    131000: _unknown("Something went wrong at Meta; whether the message left is not certain."),
    131016: _unknown("A service of Meta was unavailable; whether the message left is not certain."),
    133004: _unknown("A server of Meta was unavailable; whether the request took effect is not certain."),
    134102: _unknown("Meta's marketing service was unavailable; whether the message left is not certain."),
    131057: _retry("The number is in maintenance, for example while its throughput is raised.",
                   BackOff(timedelta(minutes=1), 1.5, timedelta(minutes=10)), error_class=_C.SERVER),
    2494100: _retry("The number is in maintenance.",
                    BackOff(timedelta(minutes=1), 1.5, timedelta(minutes=10)), error_class=_C.SERVER),
    # Rates
    4: _retry("The app's limit on calls is reached.", _MINUTES),
    17: _GRAPH_LIMIT,
    32: _GRAPH_LIMIT,
    341: _GRAPH_LIMIT,
    613: _GRAPH_LIMIT,
    80007: _retry("The WhatsApp account's limit on calls is reached.", _MINUTES),
    130429: _retry("The number's throughput is reached; received messages count too.", effect="slow_number"),
    131056: _retry("Too many messages to this one customer in a short time.", PAIR, effect="slow_pair"),
    131048: _retry("Meta limits the number because messages were blocked or reported as spam.", _HOURS,
                   next_step="Look at the number's quality in WhatsApp Manager; it is tried again hours later.",
                   effect="warn_owner"),
    131064: _retry("Meta limits the account after templates of the wrong category; it lifts by itself.", _HOURS),
    131049: _retry("Meta held a marketing message back: this customer gets enough of them at present.",
                   BackOff(timedelta(hours=24), 2, timedelta(hours=96)), not_before=timedelta(hours=24),
                   next_step="Nothing to do: never sooner than 24 hours, for Meta punishes hasty repeats."),
    131208: _retry("Too many group requests in a short time.", _MINUTES),
    133016: _permanent(_C.THROTTLE, "The number was registered or deregistered 10 times within 72 hours.",
                       "Wait 72 hours, then register once; each further try may lock it again."),
    # Integrity
    368: _hold("stopped", _C.INTEGRITY, "Meta restricts the account for breaking a policy.",
               "Look at the violation in WhatsApp Manager and appeal there; what waits leaves after."),
    131031: _hold("stopped", _C.INTEGRITY, "Meta has locked or restricted the account, or a PIN was wrong.",
                  "Look at the account's restrictions in WhatsApp Manager and appeal there; what waits leaves after."),
    130497: _permanent(_C.INTEGRITY, "The account may not write to customers in this country."),
    # Window and recipient
    131047: _permanent(_C.WINDOW, "More than 24 hours have passed since the customer's last message.",
                       "Send an approved template; the customer's answer opens the window again.",
                       effect="close_window"),
    130403: _permanent(_C.RECIPIENT, "You have blocked this customer.", "Unblock the customer, then send it anew."),
    130472: _permanent(_C.RECIPIENT, "The customer is part of an experiment of Meta's that holds marketing back.",
                       "Wait a day or more, or write within a window that the customer opened."),
    131021: _permanent(_C.RECIPIENT, "Sender and recipient are the same number.", "Send it to another number."),
    131026: _permanent(_C.RECIPIENT, "Undeliverable: not on WhatsApp, its terms not accepted, or too old a client."),
    131030: _permanent(_C.RECIPIENT, "The recipient is not on the allow-list of this test number (5 at most).",
                       "Add the recipient to the list in Meta's dashboard, or send from a real number."),
    131050: _permanent(_C.RECIPIENT, "The customer has stopped marketing messages of this business.",
                       "Send no marketing to this customer until they resume it.", effect="opt_out"),
    131062: _permanent(_C.RECIPIENT, "This kind of message needs a phone number, not a user id.",
                       "Ask the customer for the number, or send another kind of message."),
    137000: _permanent(_C.RECIPIENT, "The customer's identity has changed since it was last confirmed.",
                       "Confirm the customer's identity, then send it anew."),
    # Parameters
    33: _permanent(_C.PARAMETER, "The number or object was deleted or cannot be seen.", "Check the ids with Meta."),
    100: _permanent(_C.PARAMETER, "A parameter is wrong or not supported."),
    131008: _permanent(_C.PARAMETER, "A required parameter is missing."),
    131009: _permanent(_C.PARAMETER, "A parameter's value is not valid."),
    131051: _permanent(_C.PARAMETER, "This type of message is not supported."),
    131055: _permanent(_C.PARAMETER, "This method is not allowed here."),
    131060: _permanent(_C.PARAMETER, "The message is not available.", "Ask the customer to send it again."),
    135000: _permanent(_C.PARAMETER, "Meta could not use the message's parameters."),
    **_all(range(139000, 139005), _FLOW),
    **_all((139100, 139102), _permanent(_C.PARAMETER, "The customer could not be blocked or unblocked.")),
    139101: _permanent(_C.PARAMETER, "The block list is full (64,000).", "Unblock somebody first."),
    139103: _retry("Blocking met trouble at Meta.", error_class=_C.SERVER),
    139200: _permanent(_C.PARAMETER, "Direct Send is blocked for this account.", "Send an approved template."),
    **_all(range(147001, 147006), _USERNAME),
    # Templates
    131063: _permanent(_C.TEMPLATE, "The account has marketing messages switched off on this interface.",
                       "Send them as marketing messages, or switch them on in the account."),
    132000: _permanent(_C.TEMPLATE, "The number of parameters differs from the template's."),
    132001: _permanent(_C.TEMPLATE, "There is no approved template of this name in this language.",
                       "Check name and language; a new template takes a moment to be known."),
    132005: _permanent(_C.TEMPLATE, "The template's text is too long with its parameters filled in."),
    132007: _permanent(_C.TEMPLATE, "The template breaks a policy."),
    132008: _permanent(_C.TEMPLATE, "A template parameter's value is not valid."),
    132012: _permanent(_C.TEMPLATE, "A template parameter is not formatted as the template says."),
    132015: _permanent(_C.TEMPLATE, "The template is paused for its low quality.",
                       "Wait until Meta resumes it, or use another one."),
    132016: _permanent(_C.TEMPLATE, "The template is disabled for good.", "Make a new template."),
    132018: _permanent(_C.TEMPLATE, "The template's parameters do not validate."),
    132068: _permanent(_C.TEMPLATE, "The template's flow is blocked."),
    132069: _retry("The template's flow is throttled (10 per hour).", error_class=_C.TEMPLATE,
                   not_before=timedelta(hours=1)),
    134100: _permanent(_C.TEMPLATE, "Only marketing templates may be sent as marketing messages.",
                       "Send other templates as ordinary messages."),
    134101: _retry("The template is still being synchronised.", error_class=_C.TEMPLATE,
                   not_before=timedelta(minutes=10)),
    2388019: _permanent(_C.TEMPLATE, "The limit on templates is reached.", "Delete unused templates, or wait an hour."),
    2388039: _permanent(_C.TEMPLATE, "The template's status is locked."),
    2388040: _permanent(_C.TEMPLATE, "A part of the template is too long."),
    2388047: _permanent(_C.TEMPLATE, "The template's header is not formatted as Meta wants it."),
    2388072: _permanent(_C.TEMPLATE, "The template's body is not formatted as Meta wants it."),
    2388073: _permanent(_C.TEMPLATE, "The template's footer is not formatted as Meta wants it."),
    2388293: _permanent(_C.TEMPLATE, "The template has too many variables for its length."),
    2388299: _permanent(_C.TEMPLATE, "A variable stands at the template's very beginning or end."),
    # Media
    131052: _permanent(_C.MEDIA, "Meta could not fetch the file, or it is over 100 MB."),
    131053: _permanent(_C.MEDIA, "The file could not be uploaded: its type differs, or its link's host failed."),
    # Registration of numbers
    131037: _permanent(_C.REGISTRATION, "The 555 number has no approved display name yet."),
    131045: _permanent(_C.REGISTRATION, "The sending number's registration or certificate is not in order."),
    133000: _permanent(_C.REGISTRATION, "An earlier deregistration is not complete.", "Deregister once more first."),
    133005: _permanent(_C.REGISTRATION, "The PIN is wrong.", "Enter the number's own two-step verification PIN."),
    133006: _permanent(_C.REGISTRATION, "The number has to be verified first.", "Verify it by SMS or call."),
    133008: _permanent(_C.REGISTRATION, "Too many wrong PINs.", "Wait as long as Meta's detail says."),
    133009: _permanent(_C.REGISTRATION, "The PIN was entered too quickly.", "Wait as long as Meta's detail says."),
    133010: _hold("stopped", _C.REGISTRATION, "The number is not registered with WhatsApp's Cloud API.",
                  "Connect the number again: that registers it. What waits is then sent in order."),
    133015: _retry("The number was deleted just now.", error_class=_C.REGISTRATION, not_before=timedelta(minutes=5)),
    136024: _permanent(_C.REGISTRATION, "The number is verified already.", "Nothing to do."),
    **_all((2388012, 2388091, 2388093, 2388103), _permanent(_C.REGISTRATION, "The number could not be migrated.")),
    2593107: _permanent(_C.REGISTRATION, "The synchronisation was requested before; it works once.",
                        "Offboard the number and onboard it again."),
    2593108: _permanent(_C.REGISTRATION, "The synchronisation was requested more than 24 hours after onboarding.",
                        "Offboard the number and onboard it again."),
    2593109: _permanent(_C.REGISTRATION, "The business declined to share its history.", "Nothing to do."),
    # Billing
    131042: _hold("stopped", _C.BILLING, "The account's payment method or eligibility is not in order.",
                  "Put the account's payment method in order in WhatsApp Manager; what waits is then sent in order."),
    131044: _permanent(_C.BILLING, "The account's payment method for calls is not in order."),
    134011: _permanent(_C.BILLING, "The terms of payments wait to be accepted."),
    141006: _permanent(_C.BILLING, "The account has a payment problem."),
    141010: _permanent(_C.INTEGRITY, "The business is not verified.", "Verify the business with Meta."),
}  # fmt: skip

RANGES: tuple[tuple[range, Rule], ...] = (
    (range(138000, 139000), _permanent(_C.PARAMETER, "A call could not be made or answered.")),
    (range(131200, 131300), _permanent(_C.PARAMETER, "The group could not be used like that.")),
    (range(141000, 141011), _permanent(_C.OTHER, "Meta's health check of the number found something.")),
    (range(2388000, 2389000), _permanent(_C.TEMPLATE, "The template is not as Meta wants it.")),
    (range(2494100, 2494200), _permanent(_C.REGISTRATION, "The number could not be signed up.")),
)
"""Families that Meta documents as a whole; a code in `RULES` goes before them."""

MISSING_ASSET = _hold(
    "permission", _C.PERMISSION, "The number was taken from the access token, or a permission for it is missing."
)
WRONG_PROOF = _hold(
    "app",
    _C.AUTH,
    "Meta does not accept the proof made with the app's secret: the secret was reset.",
    "Put the app's present secret into META_APP_SECRET; this concerns every number of the app.",
)
SPENT_CODE = _permanent(
    _C.PARAMETER, "The sign-in code was used before or is older than 30 seconds.", "Start the sign-in again."
)
TOKEN_ENDINGS = {
    458: "The app was removed from the account by its owner.",
    460: "The password changed, which ended the access token.",
    463: "The access token has expired.",
    464: "The user behind the access token is not confirmed.",
    467: "The access token is no longer valid.",
}
TOO_MANY = _retry("Meta's edge refused the request for its rate.", _MINUTES)
TRANSIENT = _unknown("Meta answered with an error that is its own; whether the message left is not certain.")
UNLISTED = _permanent(_C.OTHER, "Meta refused it with a code that this table does not know.")
