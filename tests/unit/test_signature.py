import hashlib
import hmac

import pytest

from whatsapp.signature import appsecret_proof, sign, verify

BODY = b'{"object":"whatsapp_business_account","name":"\\u00e9\\/"}'
OLD, NEW = b"old secret", b"new secret"


def test_a_body_signed_with_the_apps_secret_is_metas() -> None:
    header = "sha256=" + hmac.new(NEW, BODY, hashlib.sha256).hexdigest()
    assert header == sign(BODY, NEW)
    assert verify(BODY, header, [NEW])


def test_both_secrets_are_valid_while_one_replaces_the_other() -> None:
    assert verify(BODY, sign(BODY, OLD), [NEW, OLD])
    assert verify(BODY, sign(BODY, NEW), [NEW, OLD])


def test_the_signature_is_over_the_very_bytes_not_over_what_they_mean() -> None:
    same_meaning = '{"object":"whatsapp_business_account","name":"é/"}'.encode()
    assert not verify(same_meaning, sign(BODY, NEW), [NEW])


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "sha256=",
        sign(BODY, OLD),
        sign(BODY, NEW).removeprefix("sha256="),
        sign(BODY, NEW).replace("sha256=", "sha1="),
        sign(BODY, NEW)[:-1],
        sign(BODY, NEW) + " ",
        "sha256=é\ud800",
    ],
)
def test_any_other_header_is_refused_without_an_error(header: str | None) -> None:
    assert not verify(BODY, header, [NEW])


def test_an_empty_secret_signs_nothing_since_everybody_knows_it() -> None:
    assert not verify(BODY, sign(BODY, b""), [b"", NEW])
    assert not verify(BODY, sign(BODY, b""), [])


def test_the_proof_of_a_token_is_its_hmac_under_the_apps_secret() -> None:
    assert appsecret_proof("EAAB", "secret") == hmac.new(b"secret", b"EAAB", hashlib.sha256).hexdigest()
