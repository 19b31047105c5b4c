"""Meta's callbacks about Facebook users: believed only when signed, answered in Meta's form, shown to the person."""

import base64
import hashlib
import hmac
import json
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
import pytest

from tests.api.edge import PREVIOUS_SECRET, SECRET, Edge
from tests.rows import rows

DEAUTHORIZE = "/api/v1/whatsapp/deauthorize"
DELETION = "/api/v1/whatsapp/data-deletion"
USER = "1020304050607080"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
PAYLOAD = {"algorithm": "HMAC-SHA256", "expires": 1291840400, "issued_at": 1291836800, "user_id": USER}


def _url_safe(part: bytes) -> str:
    return base64.urlsafe_b64encode(part).decode().rstrip("=")


def _signed_request(payload: dict[str, Any] | None = None, *, secret: str = SECRET) -> str:
    said = _url_safe(json.dumps(PAYLOAD if payload is None else payload).encode())
    return f"{_url_safe(hmac.digest(secret.encode(), said.encode(), hashlib.sha256))}.{said}"


async def _post(api: Edge, path: str, signed: str) -> httpx.Response:
    return await api.client.post(path, content=f"signed_request={quote(signed)}", headers=FORM)


async def _kept(api: Edge) -> list[Any]:
    return await rows(api.database, "SELECT * FROM data_requests ORDER BY id")


@pytest.mark.parametrize("secret", [SECRET, PREVIOUS_SECRET])
async def test_a_deletion_is_answered_with_a_code_and_the_page_that_shows_it(api: Edge, secret: str) -> None:
    answer = await _post(api, DELETION, _signed_request(secret=secret))
    assert answer.status_code == 200
    assert set(answer.json()) == {"url", "confirmation_code"}
    (kept,) = await _kept(api)
    assert (kept.kind, kept.state, kept.confirmation_code) == ("deletion", "done", answer.json()["confirmation_code"])
    page = await api.client.get(urlsplit(answer.json()["url"]).path, headers={"Accept": "text/html"})
    assert page.status_code == 200
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert kept.confirmation_code in page.text
    assert "Nothing of your Facebook account is kept here" in page.text


async def test_of_the_person_only_a_keyed_hash_is_kept(api: Edge) -> None:
    await _post(api, DELETION, _signed_request())
    (kept,) = await _kept(api)
    assert USER not in str(tuple(kept))
    assert len(kept.user_hash) == 32
    assert bytes(kept.user_hash) != hashlib.sha256(USER.encode()).digest()


async def test_who_asks_twice_has_one_code(api: Edge) -> None:
    codes = [(await _post(api, DELETION, _signed_request())).json()["confirmation_code"] for _ in range(2)]
    assert len(set(codes)) == 1
    other = await _post(api, DELETION, _signed_request(PAYLOAD | {"user_id": "99"}))
    assert other.json()["confirmation_code"] not in codes
    assert len(await _kept(api)) == 2


async def test_a_deauthorisation_is_kept(api: Edge) -> None:
    answer = await _post(api, DEAUTHORIZE, _signed_request())
    assert answer.status_code == 200
    (kept,) = await _kept(api)
    assert (kept.kind, kept.confirmation_code) == ("deauthorize", answer.json()["confirmation_code"])
    page = await api.client.get(f"{DELETION}/{kept.confirmation_code}")
    assert "The app was removed" in page.text


@pytest.mark.parametrize("path", [DEAUTHORIZE, DELETION])
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"signed_request=",
        b"signed_request=a.b",
        b"other=1",
        b"\xff\xfe=\x00",
        b"&" * 1000,
        b"signed_request=" + b"a" * 100_000,
        f"signed_request={quote(_signed_request(secret='another secret'))}".encode(),
        f"signed_request={quote(_signed_request(secret=''))}".encode(),
        f"signed_request={quote(_signed_request({'user_id': USER}))}".encode(),
        f"signed_request={quote(_signed_request({'algorithm': 'none', 'user_id': USER}))}".encode(),
        f"signed_request={quote(_signed_request({'algorithm': 'HMAC-SHA256'}))}".encode(),
    ],
)
async def test_what_our_secret_did_not_sign_is_refused_and_leaves_nothing(api: Edge, path: str, body: bytes) -> None:
    answer = await api.client.post(path, content=body, headers=FORM)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_signature")
    assert await _kept(api) == []


async def test_a_signature_of_one_payload_is_none_of_another(api: Edge) -> None:
    signature = _signed_request().partition(".")[0]
    other = _signed_request(PAYLOAD | {"user_id": "99"}).partition(".")[2]
    assert (await _post(api, DELETION, f"{signature}.{other}")).status_code == 403


async def test_the_page_runs_no_script_and_is_framed_and_kept_by_nobody(api: Edge) -> None:
    code = (await _post(api, DELETION, _signed_request())).json()["confirmation_code"]
    for path in (f"{DELETION}/{code}", f"{DELETION}/nobody"):
        page = await api.client.get(path, headers={"Accept": "text/html"})
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe-inline" not in policy
        assert page.headers["cache-control"] == "no-store"
        assert "<script" not in page.text
        assert "style=" not in page.text
        for address in (part.partition('"')[0] for part in page.text.split('href="')[1:]):
            assert (await api.client.get(address)).status_code == 200


async def test_a_code_that_nobody_has_is_a_page_for_people_and_a_problem_for_software(api: Edge) -> None:
    strange = "%3Cscript%3Ealert(1)%3C/script%3E"
    for code in ("nobody", strange):
        page = await api.client.get(f"{DELETION}/{code}", headers={"Accept": "text/html"})
        assert page.status_code == 404
        assert "alert(1)" not in page.text
    problem = await api.client.get(f"{DELETION}/nobody", headers={"Accept": "application/json"})
    assert (problem.status_code, problem.json()["code"]) == (404, "not_found")
