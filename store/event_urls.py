"""Which URLs an event endpoint may have."""

from ipaddress import ip_address
from urllib.parse import urlsplit

from store.errors import InvalidRequestError

_LONGEST = 2000
_NEVER_PUBLIC = (".localhost", ".local", ".internal")


def check_url(url: str, *, private_addresses: bool) -> None:
    """Refuse what can be seen to be no public address. What its name leads to is checked at each connection.

    Raises:
        InvalidRequestError: it names the field and what is wrong.
    """
    problem = _problem(url, private_addresses=private_addresses)
    if problem:
        raise InvalidRequestError(f"url: {problem}")


def _problem(url: str, *, private_addresses: bool) -> str | None:
    if len(url) > _LONGEST or not (url.isascii() and url.isprintable()) or " " in url:
        return f"must be plain ASCII without blanks, {_LONGEST} characters at most."
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "cannot be read."
    if not host or parts.scheme not in {"http", "https"}:
        return "must begin with https:// and name a host."
    if parts.username or parts.password or parts.fragment:
        return "must not carry a user name, a password or a fragment."
    return None if private_addresses else _not_public(parts.scheme, host)


def _not_public(scheme: str, host: str) -> str | None:
    if scheme != "https":
        return "must begin with https://."
    return None if _may_be_public(host) else "must lead to a public address."


def _may_be_public(host: str) -> bool:
    name = host.rstrip(".")
    try:
        return ip_address(name).is_global
    except ValueError:
        return "." in name and not name.endswith(_NEVER_PUBLIC)
