"""What speaks against posting a message at this instant: for good, or until something that is named."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from store.template_statuses import refused
from store.transitions import Event
from whatsapp.window import is_open

PAIR_INTERVAL = timedelta(seconds=6)
"""Meta takes one message per 6 s to the same user, 45 at once borrowed from later (131056)."""
PAIR_BURST = 45


@dataclass(frozen=True, slots=True)
class Objection:
    """Why a row may not be posted now: what happens to it (None: it stays queued), in words, and what it waits for."""

    event: Event | None
    why: str
    hold: str | None = None
    hold_until: datetime | None = None
    to_person: bool = False


def objection(row: Any) -> Objection | None:
    """What speaks against posting this row now; the order is from what ends it to what only delays it."""
    if row.send_before is not None and row.send_before <= row.now:
        why = "It could not leave in time and would be stale by now."
        return Objection(Event.EXPIRE, why, to_person=row.author == "bot")
    if row.author == "bot" and row.in_charge == "person" and not row.resent_by_request:
        return Objection(Event.CANCEL, "A person took over before this answer left.")
    if row.type != "template" and not is_open(row.window_opened_at, row.now):
        return Objection(Event.REJECT, "The 24-hour window is closed: only a template can be sent.")
    if row.wa_id is None and row.user_id is None:
        return Objection(Event.REJECT, "The contact has neither a phone number nor a user id to send to.")
    return _template(row) or _hold(row) or _wait(row)


def _template(row: Any) -> Objection | None:
    """What its template has become since it was queued; of one that is not known here Meta decides."""
    refusal = None if row.template_status is None else refused(row.template_status, deleted=row.template_deleted)
    return None if refusal is None else Objection(Event.REJECT, f"{refusal.says} {refusal.next_step}")


def _hold(row: Any) -> Objection | None:
    """What holds it until somebody releases it."""
    if not row.enabled:
        return Objection(None, "The number is switched off: messages wait until it is enabled.", hold="disabled")
    if row.integration_state != "live" or row.access_token_sealed is None:
        hold = row.state_reason if row.state_reason in ("token", "permission", "app") else "stopped"
        return Objection(None, f"The number is {row.integration_state}: messages wait.", hold=hold)
    if row.media_id is not None and row.meta_media_id is None:
        why, until = (row.reason, row.hold_until) if row.hold == "media" else (None, None)
        return Objection(None, why or "Its file is on its way to Meta.", hold="media", hold_until=until)
    return None


def _wait(row: Any) -> Objection | None:
    """What it waits for that passes by itself."""
    if row.hold in ("back_off", "not_before", "pair", "slot") and row.hold_until and row.hold_until > row.now:
        return Objection(None, row.reason or "It waits for its time.", hold=row.hold, hold_until=row.hold_until)
    if row.pair_next_at is None:
        return None
    pair_free_at = row.pair_next_at - (PAIR_BURST - 1) * PAIR_INTERVAL
    if pair_free_at > row.now:
        why = "Meta takes one message per 6 s to the same customer."
        return Objection(None, why, hold="pair", hold_until=pair_free_at)
    return None
