"""Names of files from outside: no path, nothing that is not seen, told in a header as RFC 6266 wants it."""

from email.message import Message
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from api.file_names import disposition, safe_name


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("invoice 4711.pdf", "invoice 4711.pdf"),
        ("Größe 寸法.pdf", "Größe 寸法.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\windows\\system32\\cmd.exe", "cmd.exe"),
        ("/etc/passwd\x00.pdf", "passwd.pdf"),
        ("C:\\a.pdf", "a.pdf"),
        ("C:a.pdf", "C_a.pdf"),
        (".htaccess", "htaccess"),
        ("gpj.\u202egpj.exe", "gpj.gpj.exe"),
        ('a"\r\nSet-Cookie: b.pdf', "a_Set-Cookie_ b.pdf"),
        ("a" * 400 + ".pdf", "a" * 196 + ".pdf"),
        ("a." + "b" * 400, "a." + "b" * 198),
        ("..", None),
        ("/", None),
        ("", None),
        (None, None),
    ],
)
def test_of_a_name_from_outside_only_the_name_is_kept(told: str | None, kept: str | None) -> None:
    assert safe_name(told) == kept


@given(st.text(max_size=300))
def test_no_name_leads_anywhere_or_ends_a_header(told: str) -> None:
    name = safe_name(told)
    if name is None:
        return
    assert not set(name) & set('/\\\r\n\x00"')
    assert name not in {".", ".."}
    assert len(name) <= 200
    header = disposition(name, inline=False)
    assert header.isascii()
    assert header.isprintable()
    read = Message()
    read["Content-Disposition"] = header
    assert read.get_content_disposition() == "attachment"
    assert unquote(header.rpartition("''")[2]) == name


def test_a_name_is_told_to_the_old_and_to_the_new() -> None:
    assert disposition("Größe.pdf", inline=True) == (
        "inline; filename=\"Gro__e.pdf\"; filename*=UTF-8''Gr%C3%B6%C3%9Fe.pdf"
    )
