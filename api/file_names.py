"""Names of files from outside: what is kept of one, and how an answer tells it (RFC 6266)."""

import re
import unicodedata
from urllib.parse import quote

_LONGEST = 200
_CONTROLS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Among them what turns the direction of writing, by which `exe.gpj` looks like `jpg.exe`."""
_RESERVED = re.compile(r'[<>:"|?*]')
_NOT_PLAIN = re.compile(r"[^A-Za-z0-9!#$&+.^_`|~ -]")


def safe_name(told: str | None) -> str | None:
    """A name without a path, without signs that are not seen or mean something to a file system; None if none is left.

    Files are never kept under it.
    """
    name = re.split(r"[/\\]", unicodedata.normalize("NFC", told or ""))[-1]
    seen = "".join(sign for sign in name if unicodedata.category(sign) not in _CONTROLS)
    plain = _RESERVED.sub("_", seen).strip(" .")
    stem, dot, extension = plain.rpartition(".")
    if len(plain) <= _LONGEST or not dot or len(extension) > _LONGEST // 10:
        return plain[:_LONGEST].strip(" .") or None
    return f"{stem[: _LONGEST - len(extension) - 1].strip(' .')}.{extension}"


def disposition(name: str, *, inline: bool) -> str:
    """The header `Content-Disposition`: for those who know but ASCII a like name, for all others the name itself."""
    like = _NOT_PLAIN.sub("_", unicodedata.normalize("NFKD", name).encode("ascii", "replace").decode())
    how = "inline" if inline else "attachment"
    return f"{how}; filename=\"{like}\"; filename*=UTF-8''{quote(name, safe='')}"
