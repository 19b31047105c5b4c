"""The tables of the page of Meta's errors, made from the one that classifies: `python -m tests.docs.meta_errors`."""

import sys
from collections import defaultdict
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

from whatsapp.error_table import (
    MISSING_ASSET,
    RANGES,
    RULES,
    SPENT_CODE,
    TOKEN_ENDINGS,
    TOO_MANY,
    TRANSIENT,
    UNLISTED,
    WRONG_PROOF,
    ErrorClass,
    Rule,
)

PAGE = Path(__file__).parents[2] / "docs" / "meta-errors.md"

_MADE = "<!-- from here on made by: python -m tests.docs.meta_errors -->\n"
_TITLES = {
    ErrorClass.AUTH: "Tokens and the app",
    ErrorClass.PERMISSION: "Permissions",
    ErrorClass.THROTTLE: "Rates",
    ErrorClass.INTEGRITY: "Restrictions",
    ErrorClass.WINDOW: "The 24-hour window",
    ErrorClass.RECIPIENT: "Recipients",
    ErrorClass.PARAMETER: "Content",
    ErrorClass.TEMPLATE: "Templates",
    ErrorClass.MEDIA: "Media",
    ErrorClass.REGISTRATION: "Registration of numbers",
    ErrorClass.SERVER: "Meta's own trouble",
    ErrorClass.BILLING: "Billing",
    ErrorClass.OTHER: "Others",
}
_EFFECTS = {
    "slow_number": "the number is silent for 1 s; other numbers are not touched",
    "slow_pair": "only this customer's conversation waits",
    "close_window": "the window is closed in our record until the customer's next message: until then a free-form "
    "message is refused with `template_required`",
    "opt_out": "the customer's opt-out is kept: no marketing to them",
    "warn_owner": "the owner is told by the finding `messages_limited`",
}
_HOLDS = {
    "token": "holds the number, checks it at once",
    "permission": "holds the number, checks it at once",
    "stopped": "stops the number, tells its owner by the finding `sending_refused`",
    "app": "tries the other of our app's two secrets at once; if Meta refuses both, holds every number and alerts "
    "whoever runs Holdfast",
}
_TIMES = {1.5: "1.5 times", 2: "twice", 4: "four times"}


def page() -> str:
    """The whole page: what is written on it, then the tables."""
    rows: defaultdict[ErrorClass, list[str]] = defaultdict(list)
    for codes, rule in _grouped():
        told = f"| {codes} | {rule.meaning} | {_does(rule)} | {rule.next_step} |"
        rows[rule.error_class].append(told)
    sections = [
        f"## {title}\n\n| code | means | Holdfast | you |\n|---|---|---|---|\n" + "\n".join(rows[error_class]) + "\n"
        for error_class, title in _TITLES.items()
    ]
    written = PAGE.read_text().partition(_MADE)[0]
    return f"{written}{_MADE}\n" + "\n".join(sections)


def _grouped() -> Iterator[tuple[str, Rule]]:
    """Codes that mean the same together, in the table's order; then what is told by more than a code."""
    groups: dict[Rule, list[int]] = {}
    for code, rule in RULES.items():
        groups.setdefault(rule, []).append(code)
    for rule, codes in groups.items():
        yield _listed(codes), rule
        if 190 in codes:
            for subcode, meaning in TOKEN_ENDINGS.items():
                yield f"190/{subcode}", Rule(rule.error_class, rule.kind, meaning, rule.next_step, hold=rule.hold)
    for span, rule in RANGES:
        yield f"{span.start} to {span.stop - 1}, others", rule
    yield "100/33, or 100 “missing permissions”", MISSING_ASSET
    yield "100 “appsecret_proof”", WRONG_PROOF
    yield "100/36007, 100/36009", SPENT_CODE
    yield "none, HTTP 429", TOO_MANY
    yield "any other, `is_transient` or HTTP 500 and more", TRANSIENT
    yield "any other", UNLISTED


def _listed(codes: list[int]) -> str:
    """Codes as people write them: three or more in a row by their ends."""
    runs: list[list[int]] = []
    for code in codes:
        if runs and code == runs[-1][-1] + 1:
            runs[-1].append(code)
        else:
            runs.append([code])
    shown = [[f"{run[0]} to {run[-1]}"] if len(run) > 2 else map(str, run) for run in runs]
    return ", ".join(part for run in shown for part in run)


def _does(rule: Rule) -> str:
    said = {"permanent": "fails it", "unknown": "finds out", "hold": _HOLDS.get(rule.hold or "", "")}.get(rule.kind)
    if said is None:
        first = max(rule.back_off.after(1), rule.not_before or timedelta(0))
        most = max(rule.back_off.most, first)
        times = _TIMES[rule.back_off.factor]
        grows = "" if rule.back_off.most <= first else f", then {times} as long each time, {_span(most)} at most"
        said = f"sends again, after {_span(first)}{grows}"
    return f"{said}; {_EFFECTS[rule.effect]}" if rule.effect else said


def _span(wait: timedelta) -> str:
    for unit, seconds in (("h", 3600), ("min", 60)):
        if wait.total_seconds() % seconds == 0:
            return f"{wait.total_seconds() / seconds:g} {unit}"
    return f"{wait.total_seconds():g} s"


def main() -> None:
    """Write the page."""
    PAGE.write_text(page())


if __name__ == "__main__":
    main()
    sys.stdout.write(f"{PAGE.name} is up to date.\n")
