"""The one table that rules an outbound message's life: which event leads from which state to which.

Every UPDATE of `messages.state` names the state (and attempt) it expects; what is not listed here does not happen.
"""

from enum import StrEnum


class State(StrEnum):
    """`messages.state` of an outbound row."""

    QUEUED = "queued"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    FAILED = "failed"
    EXPIRED = "expired"
    CANCELLED = "cancelled"


class Delivery(StrEnum):
    """`messages.delivery`: a lattice, it only rises."""

    NONE = "none"
    SENT = "sent"
    DELIVERED = "delivered"
    READ = "read"
    PLAYED = "played"

    @property
    def rank(self) -> int:
        """Its place in the order none < sent < delivered < read < played."""
        return tuple(Delivery).index(self)


class Event(StrEnum):
    """What can happen to an outbound row."""

    CLAIM = "claim"
    GIVE_BACK = "give_back"
    ACCEPT = "accept"
    REJECT_RETRYABLE = "reject_retryable"
    REJECT = "reject"
    LOSE = "lose"
    """Its outcome can no longer be learned from the answer."""
    STATUS_GOOD = "status_good"
    """sent, delivered, read or played."""
    STATUS_FAILED = "status_failed"
    STATUS_FAILED_RETRYABLE = "status_failed_retryable"
    RESEND = "resend"
    GIVE_UP = "give_up"
    EXPIRE = "expire"
    CANCEL = "cancel"


_S, _E = State, Event

TRANSITIONS: dict[tuple[State, Event], State] = {
    (_S.QUEUED, _E.CLAIM): _S.SENDING,
    (_S.QUEUED, _E.EXPIRE): _S.EXPIRED,
    (_S.QUEUED, _E.CANCEL): _S.CANCELLED,
    (_S.QUEUED, _E.REJECT): _S.FAILED,
    (_S.SENDING, _E.GIVE_BACK): _S.QUEUED,
    (_S.SENDING, _E.ACCEPT): _S.ACCEPTED,
    (_S.SENDING, _E.REJECT_RETRYABLE): _S.QUEUED,
    (_S.SENDING, _E.REJECT): _S.FAILED,
    (_S.SENDING, _E.LOSE): _S.UNKNOWN,
    # Its worker was not dead, only paused for long, and knows that it has not posted it.
    (_S.UNKNOWN, _E.GIVE_BACK): _S.QUEUED,
    (_S.UNKNOWN, _E.RESEND): _S.QUEUED,
    (_S.UNKNOWN, _E.GIVE_UP): _S.FAILED,
    (_S.UNKNOWN, _E.REJECT_RETRYABLE): _S.QUEUED,
    (_S.UNKNOWN, _E.REJECT): _S.FAILED,
    (_S.ACCEPTED, _E.STATUS_FAILED): _S.FAILED,
    (_S.ACCEPTED, _E.STATUS_FAILED_RETRYABLE): _S.QUEUED,
    (_S.SENDING, _E.STATUS_FAILED): _S.FAILED,
    (_S.SENDING, _E.STATUS_FAILED_RETRYABLE): _S.QUEUED,
    (_S.UNKNOWN, _E.STATUS_FAILED): _S.FAILED,
    (_S.UNKNOWN, _E.STATUS_FAILED_RETRYABLE): _S.QUEUED,
    # A late answer or status of an attempt: the message did go out, whatever we believed meanwhile.
    (_S.SENDING, _E.STATUS_GOOD): _S.ACCEPTED,
    (_S.UNKNOWN, _E.STATUS_GOOD): _S.ACCEPTED,
    (_S.UNKNOWN, _E.ACCEPT): _S.ACCEPTED,
    (_S.QUEUED, _E.STATUS_GOOD): _S.ACCEPTED,
    (_S.QUEUED, _E.ACCEPT): _S.ACCEPTED,
    (_S.FAILED, _E.STATUS_GOOD): _S.ACCEPTED,
    (_S.FAILED, _E.ACCEPT): _S.ACCEPTED,
    (_S.EXPIRED, _E.STATUS_GOOD): _S.ACCEPTED,
    (_S.EXPIRED, _E.ACCEPT): _S.ACCEPTED,
    (_S.CANCELLED, _E.STATUS_GOOD): _S.ACCEPTED,
    (_S.CANCELLED, _E.ACCEPT): _S.ACCEPTED,
    (_S.ACCEPTED, _E.STATUS_GOOD): _S.ACCEPTED,
    # A status or a later attempt came before the answer, which still tells of early statuses and of a second taking.
    (_S.ACCEPTED, _E.ACCEPT): _S.ACCEPTED,
}


def after(state: State, event: Event, *, delivery: Delivery = Delivery.NONE) -> State | None:
    """The state that follows, or None where the event changes nothing.

    A `failed` status never takes back what has reached the customer: from `delivered` on it changes nothing.
    """
    failed = event in (Event.STATUS_FAILED, Event.STATUS_FAILED_RETRYABLE)
    if failed and delivery.rank >= Delivery.DELIVERED.rank:
        return None
    return TRANSITIONS.get((state, event))


def states_before(event: Event) -> tuple[State, ...]:
    """The states an UPDATE for this event may expect."""
    return tuple(state for state, happened in TRANSITIONS if happened is event)
