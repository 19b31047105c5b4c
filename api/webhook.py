"""Meta's door: verify, then store, then answer. Nothing here parses a body; intake does.

It is a plain ASGI application in front of the framework's layers, since a webhook needs none of them.
Contract with Meta: meta-platform facts, section 4.1.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog
from starlette.types import Message, Receive, Scope, Send

import telemetry
from api.group_commit import GroupCommit
from api.problems import problem_answer
from api.throttle import RefusalThrottle
from settings import Settings
from store.errors import SettingsError
from whatsapp import signature

log = structlog.get_logger(__name__)

PATHS = frozenset(
    {
        "/api/v1/webhooks/whatsapp",
        # Numbers arrive already configured with one of these.
        "/webhooks/whatsapp",
        "/api/whatsapp/webhook",
        "/api/v1/whatsapp/webhook",
    }
)

_OK_START: Message = {"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]}
_OK_BODY: Message = {"type": "http.response.body", "body": b""}


@dataclass(frozen=True, slots=True)
class _Refusal:
    reason: str
    status: int
    detail: str
    next_step: str


_UNSIGNED = _Refusal(
    "unsigned", 401, "The request has no X-Hub-Signature-256 header.", "Only Meta posts here; it signs each body."
)
_WRONG_SIGNATURE = _Refusal(
    "wrong_signature",
    403,
    "The signature does not belong to this body and our app's secret.",
    "Compare META_APP_SECRET with the app's secret in Meta's dashboard.",
)
_THROTTLED = _Refusal(
    "throttled", 429, "Too many unsigned or wrongly signed requests from this address.", "Wait a minute."
)
_TOO_LARGE = _Refusal("too_large", 413, "The body is larger than Meta's are.", "Meta sends 3 MB at most.")
_NOT_STORED = _Refusal(
    "not_stored", 503, "The body could not be put on disk in time.", "Send it again; /ready says which part is missing."
)


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """What the door goes by: the app's secrets (the previous one too while it is being rotated) and its limits."""

    secrets: Sequence[bytes]
    max_bytes: int
    refusals_per_minute: int


def rules_of(settings: Settings) -> WebhookRules:
    """What the settings say of it.

    Raises:
        SettingsError: there is no app secret.
    """
    secrets = (settings.meta.app_secret, settings.meta.app_secret_previous)
    valid = [secret.get_secret_value().encode() for secret in secrets if secret.get_secret_value()]
    if not settings.meta.app_secret.get_secret_value():
        raise SettingsError(
            "META_APP_SECRET is empty: webhooks could not be told from forgeries.",
            next_step="Set META_APP_SECRET to the app's secret (Meta's dashboard, App settings, Basic).",
        )
    return WebhookRules(valid, settings.api.webhook_max_bytes, settings.api.webhook_refusals_per_minute)


class Webhook:
    """POST to the four callback paths.

    `missed` is told of each correctly signed request that was not answered 200: when it came and when it was refused.
    """

    def __init__(
        self,
        rules: WebhookRules,
        commits: GroupCommit,
        *,
        missed: Callable[[datetime, datetime], None],
    ) -> None:
        self._rules = rules
        self._commits = commits
        self._missed = missed
        self._throttle = RefusalThrottle(rules.refusals_per_minute)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one POST to one of `PATHS`."""
        headers = scope["headers"]
        signed = _header(headers, b"x-hub-signature-256")
        if signed is None:
            await self._refuse_stranger(scope, send, _UNSIGNED)
            return
        try:
            body = await _read(headers, receive, self._rules.max_bytes)
        except _TooLargeError:
            await self._refuse(send, _TOO_LARGE)
            return
        except _GoneError:
            telemetry.webhook_refusals.labels("disconnected").inc()
            return
        came = time.perf_counter()
        if not signature.verify(body, signed, self._rules.secrets):
            await self._refuse_stranger(scope, send, _WRONG_SIGNATURE)
            return
        if not await self._commits.append(body):
            now = datetime.now(UTC)
            self._missed(now - timedelta(seconds=time.perf_counter() - came), now)
            await self._refuse(send, _NOT_STORED)
            return
        await send(_OK_START)
        await send(_OK_BODY)
        telemetry.webhook_acks.inc()
        telemetry.webhook_ack_seconds.observe(time.perf_counter() - came)

    async def _refuse_stranger(self, scope: Scope, send: Send, refusal: _Refusal) -> None:
        """Refuse who did not sign, or wrongly: counted per address. Who signs correctly never comes here."""
        client = scope.get("client")
        await self._refuse(send, _THROTTLED if self._throttle.exceeded_by(client[0] if client else "") else refusal)

    async def _refuse(self, send: Send, refusal: _Refusal) -> None:
        telemetry.webhook_refusals.labels(refusal.reason).inc()
        if refusal is not _THROTTLED:
            log.info("webhook.refused", reason=refusal.reason)
        start, body = problem_answer(refusal.reason, refusal.status, refusal.detail, next_step=refusal.next_step)
        await send(start)
        await send(body)


class _TooLargeError(Exception):
    pass


class _GoneError(Exception):
    """The client went away before its body was complete."""


def _header(headers: Sequence[tuple[bytes, bytes]], name: bytes) -> str | None:
    for key, value in headers:
        if key == name:
            return value.decode("latin-1")
    return None


async def _read(headers: Sequence[tuple[bytes, bytes]], receive: Receive, limit: int) -> bytes:
    """The body, read no further than the limit: what comes after it is dropped by the server as it arrives."""
    length = _header(headers, b"content-length")
    if length is not None and int(length) > limit:
        raise _TooLargeError
    parts: list[bytes] = []
    size, more = 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise _GoneError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > limit:
            raise _TooLargeError
        more = message.get("more_body", False)
    return b"".join(parts)
