"""What crosses between an onboarding's workflow, its activities and its starters: ids, durations, sentences of ours.

No field here may carry a token, a code, a PIN or a phone number: all of it is written to Temporal's history.
Fields are added with a default and never renamed or removed while a run that knows them may be alive.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from temporalio import activity

Step = Literal["exchange", "inspect", "find", "connect", "subscribe", "register", "check", "activate", "prove"]
STEPS: tuple[Step, ...] = (
    "exchange", "inspect", "find", "connect", "subscribe", "register", "check", "activate", "prove",
)  # fmt: skip
"""In their order. Each is safe to run again: it finds what it has done before and does it once."""

Wait = Literal["code", "number", "pin", "retry", "proof"]
"""What a person is waited for: a new code, the choice of a number, a PIN, a repair and a word, a first message."""

Act = Literal["number", "pin", "retry", "proof", "cancel"]
"""What a person did. The content (which number, the sealed PIN) stands in the row before the Update is sent."""


def onboarding_workflow_id(onboarding_id: str) -> str:
    """The one id of an onboarding's runs."""
    return f"onboarding/{onboarding_id}"


@dataclass(frozen=True, slots=True)
class OnboardingInput:
    """What an onboarding's run starts with."""

    onboarding_id: str
    patience: timedelta = timedelta(days=7)
    """How long a run waits for a person, all waits together; then it ends, with words."""
    first_retry: timedelta = timedelta(seconds=1)
    """Before a step is repeated that Meta refused for the moment; doubled up to `longest_retry`."""
    longest_retry: timedelta = timedelta(seconds=30)
    step_timeout: timedelta = timedelta(seconds=40)
    """For one attempt at a step: a few calls of 12 s at most each."""
    exchange_within: timedelta = timedelta(seconds=35)
    """For the exchange of the code, all attempts: after that the code is dead, and one more attempt says so."""
    events_per_run: int = 1000
    """A run continues as new past this many history events: a step that fails for days must not fill it."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an onboarding stands by its rows, wherever its runs may have got to."""

    onboarding_id: str
    state: str = "running"
    """running, live, failed or cancelled."""
    left: list[Step] = field(default_factory=list)
    """The steps still to be done, in order."""
    patience_left: timedelta | None = None
    """Until the onboarding is given up for want of an answer; None: the input's `patience` from now."""
    cancelled: bool = False
    """A person asked for the cancellation."""


@dataclass(frozen=True, slots=True)
class TakeStep:
    """Take one step of an onboarding, or find that it is done."""

    onboarding_id: str
    step: Step
    gives_up: bool = False
    """The patience has ended: what is still waited for ends now, with a notice. Given to `prove` only; every other
    wait that lasts too long fails the onboarding."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What came of a step. A refusal that passes by itself is not one: it is raised, and Temporal repeats the step."""

    step: Step
    state: Literal["done", "skipped", "waiting", "failed"]
    says: str = ""
    """In words, for the run's page: no token, code, PIN or phone number in it."""
    waiting_for: Wait | None = None
    wait: timedelta | None = None
    """How long at most to wait before the step is taken again by itself; None: until a person acts."""
    code: str = ""
    """Of a failure: a heading in docs/errors.md."""


@dataclass(frozen=True, slots=True)
class EndOnboarding:
    """Take back what was done, newest first, and end as cancelled or failed. Safe to repeat."""

    onboarding_id: str
    state: Literal["cancelled", "failed"]
    code: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Ended:
    """How an onboarding ended and what was taken back, in words."""

    state: str
    undone: list[Step] = field(default_factory=list)
    says: str = ""


@dataclass(frozen=True, slots=True)
class Acted:
    """A person acted: the argument of the Update `act`, refused unless the run waits for that."""

    act: Act


class OnboardingActivities(ABC):
    """Typed stubs of an onboarding's activities, each safe to repeat."""

    @activity.defn(name="where_it_stands")
    @abstractmethod
    async def where_it_stands(self, onboarding_id: str) -> Standing:
        """Read where the onboarding stands; clears its due mark."""

    @activity.defn(name="exchange_code")
    @abstractmethod
    async def exchange_code(self, command: TakeStep) -> StepOutcome:
        """Exchange the code for a token and seal it, within 30 s of its arrival, the request written once."""

    @activity.defn(name="inspect_token")
    @abstractmethod
    async def inspect_token(self, command: TakeStep) -> StepOutcome:
        """Make sure that the token is of our app, valid and has both scopes."""

    @activity.defn(name="find_number")
    @abstractmethod
    async def find_number(self, command: TakeStep) -> StepOutcome:
        """Find the WABA and the number; several wait for a person's choice."""

    @activity.defn(name="connect_integration")
    @abstractmethod
    async def connect_integration(self, command: TakeStep) -> StepOutcome:
        """Make the integration, state `connecting`, or give a known one its new token."""

    @activity.defn(name="subscribe_app")
    @abstractmethod
    async def subscribe_app(self, command: TakeStep) -> StepOutcome:
        """Subscribe our app to the WABA, bare first, then what is overridden; verified by reading it back."""

    @activity.defn(name="register_number")
    @abstractmethod
    async def register_number(self, command: TakeStep) -> StepOutcome:
        """Register the number only if it needs it, with a PIN; never repeated by itself."""

    @activity.defn(name="check_number")
    @abstractmethod
    async def check_number(self, command: TakeStep) -> StepOutcome:
        """Read the number's state and name what blocks sending."""

    @activity.defn(name="activate_integration")
    @abstractmethod
    async def activate_integration(self, command: TakeStep) -> StepOutcome:
        """Put the integration live, release what was kept, and create the Schedule of its checks."""

    @activity.defn(name="await_proof")
    @abstractmethod
    async def await_proof(self, command: TakeStep) -> StepOutcome:
        """See whether a customer's message, or a template's `delivered`, has proven the number."""

    @activity.defn(name="end_onboarding")
    @abstractmethod
    async def end_onboarding(self, command: EndOnboarding) -> Ended:
        """Take back what was done, newest first, wipe the secrets, and record the end."""
