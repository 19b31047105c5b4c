"""The number is found: by what the token gives access to; what the browser told only says which of it was meant."""

from collections.abc import Sequence
from typing import Any

from activities.onboarding.desk import Desk, done, failed, refusal, waiting
from store.endings import ENDINGS
from store.onboarding_numbers import reconnected_number, settle_on, taken
from store.onboarding_steps import StepEnd, Taken
from store.onboardings import NumberIds, unseal
from whatsapp.accounts import NumberFacts, Refused, TokenFacts, Waba
from whatsapp.signup import REQUIRED_SCOPES
from whatsapp.signup_failures import CallFailure, call_failure

_BUSINESS = "business_management"
Found = list[tuple[Waba, NumberFacts]]


async def find(desk: Desk, step: Taken) -> StepEnd:
    """Find accounts, then numbers; one is taken, several wait for a person's choice."""
    row = step.row
    token = unseal(desk.ring, "token_sealed", row.token_sealed, row.id)
    wabas = await _wabas(desk, row, token)
    if isinstance(wabas, StepEnd):
        return wabas
    if not wabas:
        return _ended("no_waba")
    found = await _numbers(desk, wabas, token)
    if isinstance(found, StepEnd):
        return found
    if not found:
        return _ended("no_number", waba_id=wabas[0].id, business_id=wabas[0].business_id)
    return await _settle(desk, row, found)


async def _wabas(desk: Desk, row: Any, token: str) -> list[Waba] | StepEnd:
    """The accounts that the token was given for; those of its businesses where it was given for all."""
    facts = await desk.accounts.inspect_token(token)
    if not isinstance(facts, TokenFacts):
        return refusal(facts, "tell what the access token is for", for_good="app_refused")
    ids = list(facts.targets_of(*REQUIRED_SCOPES))
    hinted = row.hints.get("waba_id")
    if hinted is not None and (not ids or hinted in ids):
        ids = [hinted]
    wabas = await _read(desk, ids, token)
    if isinstance(wabas, StepEnd) or wabas:
        return wabas
    businesses = dict.fromkeys([*facts.targets_of(_BUSINESS), *filter(None, [row.hints.get("business_id")])])
    return await _of_businesses(desk, list(businesses), token)


async def _read(desk: Desk, waba_ids: Sequence[str], token: str) -> list[Waba] | StepEnd:
    """Those of these accounts that the token can read: a hint that it cannot is none."""
    wabas = []
    for waba_id in waba_ids:
        answer = await desk.accounts.waba(waba_id, token)
        if isinstance(answer, Waba):
            wabas.append(answer)
        elif not _is_out_of_reach(answer):
            return refusal(answer, "show the WhatsApp Business account", for_good="no_waba")
    return wabas


async def _of_businesses(desk: Desk, business_ids: Sequence[str], token: str) -> list[Waba] | StepEnd:
    wabas: dict[str, Waba] = {}
    for business_id in business_ids:
        answer = await desk.accounts.wabas_of_business(business_id, token)
        if isinstance(answer, list):
            wabas |= {one.id: one for one in answer}
        elif not _is_out_of_reach(answer):
            return refusal(answer, "list the WhatsApp Business accounts", for_good="no_waba")
    return list(wabas.values())


async def _numbers(desk: Desk, wabas: Sequence[Waba], token: str) -> Found | StepEnd:
    found: dict[str, tuple[Waba, NumberFacts]] = {}
    for waba in wabas:
        answer = await desk.accounts.numbers(waba.id, token)
        if isinstance(answer, list):
            found |= {number.id: (waba, number) for number in answer}
        elif not _is_out_of_reach(answer):
            return refusal(answer, "list the phone numbers", for_good="no_number")
    return list(found.values())


async def _settle(desk: Desk, row: Any, found: Found) -> StepEnd:
    """The number that a person chose, that is connected again, that the browser named, or the only one; else ask."""
    wanted = row.phone_number_id or row.hints.get("phone_number_id")
    if row.reconnects_id is not None:
        wanted = await reconnected_number(desk.database, row.reconnects_id)
        if wanted not in {number.id for _, number in found}:
            return _ended("other_number")
    meant = [(waba, number) for waba, number in found if number.id == wanted]
    if not meant and len(found) > 1:
        return await _ask(desk, row, found)
    waba, number = (meant or found)[0]
    refused = await settle_on(desk.database, row.id, _ids(waba, number))
    return _ended(refused) if refused else done("The number was found.", candidates=None)


async def _ask(desk: Desk, row: Any, found: Found) -> StepEnd:
    held = await taken(desk.database, row.organization_id, row.id, [number.id for _, number in found])
    candidates = [
        {
            "waba_id": waba.id,
            "business_id": waba.business_id,
            "phone_number_id": number.id,
            "phone_number": _in_full(number),
            "verified_name": number.verified_name,
            "taken": held.get(number.id),
        }
        for waba, number in found
    ]
    says = f"This sign-in gives access to {len(found)} numbers."
    return waiting("number", says, "Choose the number to connect.", changes={"candidates": candidates})


def _ids(waba: Waba, number: NumberFacts) -> NumberIds:
    return NumberIds(
        waba_id=waba.id,
        phone_number_id=number.id,
        phone_number=_in_full(number),
        business_id=waba.business_id,
        verified_name=number.verified_name,
    )


def _in_full(number: NumberFacts) -> str:
    return "+" + "".join(filter(str.isdigit, number.display_phone_number or ""))


def _is_out_of_reach(answer: Any) -> bool:
    """Whether Meta refuses this one object to the token, which lives."""
    kinds = {CallFailure.PERMISSION, CallFailure.REFUSED}
    return isinstance(answer, Refused) and call_failure(answer) in kinds


def _ended(code: str, **changes: Any) -> StepEnd:
    ending = ENDINGS[code]
    return failed(code, ending.says, ending.next_step, **changes)
