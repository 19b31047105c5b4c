import json
from datetime import timedelta

import pytest

from tests.unit.meta import TOKEN, WABA, meta
from whatsapp import usage
from whatsapp.accounts import Refused

BUSINESS = {
    WABA: [
        {"type": "whatsapp", "call_count": 100, "total_cputime": 3, "total_time": 7,
         "estimated_time_to_regain_access": 12}
    ]
}  # fmt: skip
HEADERS = {"x-app-usage": '{"call_count":28,"total_time":25.7,"total_cputime":1}'}


def test_both_headers_are_read() -> None:
    found = usage.of({"X-App-Usage": HEADERS["x-app-usage"], "X-Business-Use-Case-Usage": json.dumps(BUSINESS)})
    assert found is not None
    app, business = found.shares
    assert (app.owner, app.calls, app.total_time, app.highest, app.regain_access) == ("app", 28, 25, 28, None)
    assert (business.owner, business.kind, business.highest) == (WABA, "whatsapp", 100)
    assert (found.highest, found.regain_access) == (100, timedelta(minutes=12))


@pytest.mark.parametrize("header", ["", "{", "[]", '{"1":3}', '{"1":[3]}', '{"call_count":"NaN","total_time":1e400}'])
def test_a_header_of_another_shape_is_no_trouble(header: str) -> None:
    for name in (usage.APP_HEADER, usage.BUSINESS_HEADER):
        found = usage.of({name: header})
        assert found is None or found.highest == 0


def test_a_wait_of_years_is_none_to_obey() -> None:
    header = json.dumps({WABA: [{"estimated_time_to_regain_access": 2**30}]})
    found = usage.of({usage.BUSINESS_HEADER: header})
    assert found is not None
    assert found.regain_access == usage.LONGEST_WAIT


async def test_each_answers_usage_is_told_and_a_refusal_says_when_calls_are_allowed_again() -> None:
    error = {"error": {"code": 80007, "message": "Rate limit"}}
    headers = {**HEADERS, "x-business-use-case-usage": json.dumps(BUSINESS)}
    async with meta(error, status=400, headers=headers) as stage:
        answer = await stage.accounts.waba(WABA, TOKEN)
    assert isinstance(answer, Refused)
    assert answer.regain_access == timedelta(minutes=12)
    assert [one.highest for one in stage.usages] == [100]
