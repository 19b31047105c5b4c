"""The account as the control API tells it: totals, and the lists behind them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from simulator.account import Accepted, Account, Lost
from simulator.customers import Conversation


def account_view(
    account: Account, conversations: Sequence[Conversation], *, phone_number_id: str | None, lists: bool
) -> dict[str, Any]:
    """Totals, for one number or all, and the lists behind them on request. Webhook figures are always of all.

    `doubled` are messages that reached their customer twice, `doubled_apart` those of them that had an acceptance whose
    statuses were withheld. `untold` are accepted messages of which the sender got to know neither by the answer nor by
    a status: nobody can do better with them than to deliver them once or to say that the outcome is unknown.
    """
    accepted = [m for m in account.accepted if phone_number_id in {None, m.phone_number_id}]
    lost = [m for m in account.lost if phone_number_id in {None, m.phone_number_id}]
    conversations = [c for c in conversations if phone_number_id in {None, c.phone_number_id}]
    doubled, repeated = _repeated(accepted, outcome="delivered"), _repeated(accepted)
    withheld = {m.message_id for m in accepted if m.statuses_withheld}
    unanswered = [(c, said) for c in conversations for said in c.unanswered]
    view: dict[str, Any] = {
        "accepted": len(accepted),
        "delivered": sum(m.outcome == "delivered" for m in accepted),
        "failed": sum(m.outcome == "failed" for m in accepted),
        "held": sum(m.outcome == "held" for m in accepted),
        "doubled": len(doubled),
        "doubled_apart": sum(message in withheld for message in doubled),
        "repeated": len(repeated),
        "without_callback_data": sum(m.callback_data is None for m in accepted),
        "withheld": sum(m.statuses_withheld for m in accepted),
        "untold": sum(m.is_untold for m in accepted),
        "without_plus": account.without_plus,
        "refused": _refusals(account, phone_number_id),
        "lost_unaccepted": len(lost),
        "reads": _of(account.reads, phone_number_id),
        "typing": _of(account.typing, phone_number_id),
        "inbound": sum(len(c.said) for c in conversations),
        "unanswered": len(unanswered),
        "webhooks": account.webhooks.totals(),
    }
    if lists:
        view["accepted_messages"], view["lost_messages"] = [_row(m) for m in accepted], [_row(m) for m in lost]
        view["doubled_ids"], view["repeated_ids"] = doubled, repeated
        view["withheld_ids"] = _ids(m for m in accepted if m.statuses_withheld)
        view["untold_ids"] = _ids(m for m in accepted if m.is_untold)
        view["unanswered_messages"] = [
            {"phone_number_id": c.phone_number_id, "customer": c.customer, "wamid": said.wamid}
            for c, said in unanswered
        ]
    return view


def _refusals(account: Account, phone_number_id: str | None) -> dict[str, int]:
    by_code: Counter[int] = Counter()
    for (number, code), count in account.refused.items():
        if phone_number_id in {None, number}:
            by_code[code] += count
    return {str(code): count for code, count in sorted(by_code.items())}


def _of(counts: Counter[str], phone_number_id: str | None) -> int:
    return counts.total() if phone_number_id is None else counts[phone_number_id]


def _row(message: Accepted | Lost) -> dict[str, Any]:
    """All its fields but what it says; `asdict` would cost a test with many messages most of its time."""
    names = (name for name in message.__slots__ if name != "payload")
    return {name: getattr(message, name) for name in (*names, "message_id")}


def _ids(messages: Iterable[Accepted]) -> list[str]:
    return list(dict.fromkeys(m.message_id for m in messages if m.message_id))


def _repeated(accepted: Sequence[Accepted], outcome: str | None = None) -> list[str]:
    """The senders' own ids of messages that were accepted, or came to this outcome, more than once."""
    times = Counter(m.message_id for m in accepted if m.message_id and outcome in {None, m.outcome})
    return [message for message, count in times.items() if count > 1]
