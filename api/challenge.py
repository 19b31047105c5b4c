"""Meta's verification of a callback: the challenge comes back when the verify token is known (section 4.1)."""

import asyncio
import hmac
from typing import Annotated

import structlog
from fastapi import APIRouter, Query, Request
from fastapi.responses import PlainTextResponse

import telemetry
from api.examples import PROBLEMS
from api.webhook import PATHS
from settings import Settings
from store.engine import Database
from store.errors import HoldfastError
from store.hashing import KeyedHash
from store.integrations import verify_token_matches

log = structlog.get_logger(__name__)

_CHALLENGE_EXAMPLE = {"content": {"text/plain": {"schema": {"type": "string"}, "example": "1158201444"}}}


class WrongVerifyTokenError(HoldfastError):
    """The verify token belongs to no enabled or connecting number and is not the app's own."""

    code = "wrong_verify_token"
    http_status = 403
    next_step = "Enter META_VERIFY_TOKEN, or the verify token of a number that is connected or being connected."


class VerifyTokens:
    """Knows the app's own verify token and those of the numbers."""

    def __init__(self, settings: Settings, database: Database, keyed_hash: KeyedHash) -> None:
        self._own = settings.meta.verify_token.get_secret_value().encode()
        self._patience = settings.api.webhook_commit_timeout.total_seconds()
        self._database = database
        self._keyed_hash = keyed_hash

    async def knows(self, token: str) -> bool:
        """Whether the callback may be verified by this token.

        Raises:
            TimeoutError: Postgres has not answered in time.
        """
        if not token:
            return False
        if self._own and hmac.compare_digest(self._own, token.encode()):
            return True
        async with asyncio.timeout(self._patience):
            return await verify_token_matches(self._database, self._keyed_hash, token)


router = APIRouter(tags=["Webhook"])


async def verify(
    request: Request,
    mode: Annotated[str, Query(alias="hub.mode")] = "",
    token: Annotated[str, Query(alias="hub.verify_token")] = "",
    challenge: Annotated[str, Query(alias="hub.challenge")] = "",
) -> PlainTextResponse:
    """Meta calls this once, when a callback URL is entered."""
    tokens: VerifyTokens = request.app.state.verify_tokens
    if mode != "subscribe" or not await tokens.knows(token):
        telemetry.webhook_refusals.labels("wrong_verify_token").inc()
        log.info("webhook.refused", reason="wrong_verify_token")
        raise WrongVerifyTokenError("The verify token is not known here.")
    return PlainTextResponse(challenge, headers={"X-Content-Type-Options": "nosniff"})


for path in sorted(PATHS):
    router.add_api_route(
        path,
        verify,
        response_class=PlainTextResponse,
        summary="Answer Meta's challenge",
        responses={
            200: {"description": "The challenge.", **_CHALLENGE_EXAMPLE},
            403: PROBLEMS[403],
            422: PROBLEMS[422],
            503: PROBLEMS[503],
        },
    )
