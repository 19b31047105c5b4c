"""The pages on onboarding name every step, every wait, every end, and every field of the webhook that the code has."""

import re
from typing import get_args

import pytest

from store.endings import ENDINGS
from tests.docs.reference import ROOT, error_codes, sections
from whatsapp.error_table import RULES
from whatsapp.signup import COEXISTENCE_FIELDS, REQUIRED_FIELDS, REQUIRED_SCOPES
from workflows.onboarding_contracts import STEPS, Wait

_SYMPTOMS = (
    "Webhook verification fails",
    "Messages are not received",
    "Facebook login fails",
    "The code exchange fails",
    "Wrong PIN",
    "The number is locked for 72 hours (133016)",
    "Sent but not delivered",
)
"""What people meet beside the codes, and look for by these words."""

_PARTS = ("Symptom", "See it", "Causes", "Remedy")


def _page(name: str) -> str:
    return (ROOT / "docs" / name).read_text()


def _first_cells(name: str) -> set[str]:
    """What stands as code in the first cell of any table's row."""
    return set(re.findall(r"^\| `([^`|]+)` +\|", _page(name), re.MULTILINE))


def test_every_end_of_an_onboarding_has_an_entry_and_every_entry_an_end() -> None:
    codes = {heading for heading in sections("onboarding.md") if re.fullmatch(r"[a-z_]+", heading)}
    assert codes == set(ENDINGS)


def test_every_step_has_its_heading_in_order() -> None:
    numbered = [heading for heading in sections("onboarding.md") if re.match(r"\d", heading)]
    assert numbered == [f"{position}. {step}" for position, step in enumerate(STEPS, start=1)]


@pytest.mark.parametrize("page", ["onboarding.md", "frontends.md"])
def test_every_wait_says_who_answers_it_and_how(page: str) -> None:
    waits = set(get_args(Wait)) if page == "onboarding.md" else set(get_args(Wait)) - {"code"}
    assert waits <= _first_cells(page)


@pytest.mark.parametrize("heading", [*ENDINGS, *_SYMPTOMS])
def test_an_entry_says_what_is_seen_where_why_and_what_helps(heading: str) -> None:
    entry = sections("onboarding.md")[heading]
    assert re.findall(r"^\*\*([A-Z][a-z ]+)\.\*\* *", entry, re.MULTILINE) == list(_PARTS)
    texts = re.split(r"^\*\*[A-Z][a-z ]+\.\*\*", entry, flags=re.MULTILINE)[1:]
    assert all(len(text.split()) >= 4 for text in texts)


def test_the_fields_to_subscribe_are_those_that_are_required() -> None:
    table = _page("meta-app.md").split("## 6. The webhook")[1].split("\n## ")[0]
    fields = re.findall(r"^\| `([a-z_]+)` +\|", table, re.MULTILINE)
    assert fields == [*REQUIRED_FIELDS, *COEXISTENCE_FIELDS]


def test_the_permissions_to_ask_for_are_those_that_are_required() -> None:
    table = _page("meta-app.md").split("## 4. The login configuration")[1].split("\n## ")[0]
    assert set(REQUIRED_SCOPES) <= set(re.findall(r"`([a-z_]+)`", table))


_META_CODE = re.compile(r"\b(1[0-9]{5}|2[0-9]{6}|190|100)\b")
_OUR_CODE = re.compile(r"[a-z]+(?:_[a-z]+)+")
_SHOWN: dict[str, set[str | int]] = {
    "Webhook verification fails": {"wrong_verify_token"},
    "Messages are not received": {"wrong_signature", "not_stored"},
    "Facebook login fails": {"login_declined", "login_failed"},
    "The code exchange fails": {"code_expired", "code_used", "code_lost", "code_refused", "app_refused"},
    "Wrong PIN": {133005, 131031, 133008, 133009},
    "The number is locked for 72 hours (133016)": {133016},
    "Sent but not delivered": {131026, 131047, 131049, 131050, 131042, 131030},
}
"""What each symptom shows itself by, where somebody looks it up: our own codes, and Meta's."""


@pytest.mark.parametrize("symptom", _SYMPTOMS)
def test_each_topic_names_the_errors_it_shows_itself_by_and_each_of_them_exists(symptom: str) -> None:
    entry = symptom + sections("onboarding.md")[symptom]
    named = {*_OUR_CODE.findall(entry), *map(int, _META_CODE.findall(entry))}
    assert _SHOWN[symptom] <= named
    ours = {code for code in _SHOWN[symptom] if isinstance(code, str)}
    assert ours <= error_codes()
    assert {code for code in named if isinstance(code, int)} <= set(RULES)
