"""What a page of ours may load and who may hold on to it: the headers of every page."""

from urllib.parse import urlsplit

FACEBOOK_SDK = "connect.facebook.net"
_FACEBOOK = "https://*.facebook.com"
"""The SDK's frames, its look at who is signed in, and the popup's way back come from several hosts below it."""


def page_headers() -> dict[str, str]:
    """For every page: our own files only, in no frame, kept by no cache."""
    return _headers(_policy({}), opener="same-origin")


def connect_headers(sdk_url: str, dialog_url: str) -> dict[str, str]:
    """For the connect page: as others, and Facebook's SDK, whose popup has to reach the page that opened it.

    A simulator's SDK brings the simulator's origin, and none of Facebook's. The form of the redirect ends at the
    dialog: Chromium holds every hop of a form's way against `form-action`.
    """
    sdk = origin_of(sdk_url)
    near = _FACEBOOK if is_facebook(sdk_url) else sdk
    more = {"script-src": sdk, "frame-src": near, "connect-src": f"{sdk} {near}", "img-src": near}
    more["form-action"] = origin_of(dialog_url)
    headers = _headers(_policy(more), opener="same-origin-allow-popups")
    # Facebook compares the page's domain with the app's allowed ones.
    return headers | {"Referrer-Policy": "strict-origin-when-cross-origin"}


def origin_of(url: str) -> str:
    """Scheme, host and port of an address."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def is_facebook(sdk_url: str) -> bool:
    """Whether it is Facebook's own SDK."""
    return urlsplit(sdk_url).hostname == FACEBOOK_SDK


def _policy(more: dict[str, str]) -> str:
    rules = {
        "default-src": "'none'",
        "script-src": "'self'",
        "style-src": "'self'",
        "img-src": "'self'",
        "connect-src": "'self'",
        "frame-src": "",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
        "base-uri": "'none'",
    }
    joined = {name: f"{value} {more.get(name, '')}".strip() or "'none'" for name, value in rules.items()}
    return "; ".join(f"{name} {value}" for name, value in joined.items())


def _headers(policy: str, *, opener: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy,
        "Cross-Origin-Opener-Policy": opener,
        "Cross-Origin-Resource-Policy": "same-origin",
        # With no-referrer browsers send `Origin: null` with forms, and ours could not be told from others'.
        "Referrer-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Cache-Control": "no-store",
    }
