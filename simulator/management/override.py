"""Overrides of the callback: only once subscribed, and only to an address that proves itself during the call."""

import secrets
from collections.abc import Mapping
from typing import Any

from simulator.business.model import Waba
from simulator.management.call import Call
from simulator.refusals import RefusedError

_LONGEST_URL = 200
_VERIFIED = 200


async def checked_override(call: Call, waba: Waba, wanted: Mapping[str, Any]) -> str | None:
    """The address to override the callback with, once it has proven itself; None to take an override back."""
    url, verify_token = str(wanted.get("override_callback_uri") or ""), str(wanted.get("verify_token") or "")
    if not url:
        return None
    app = call.world.assets.app
    if call.holder.app_id not in waba.subscribed or not app.active or "messages" not in app.fields:
        message = (
            "(#100) Before override the current callback uri, your app must be subscribed to receive messages for "
            "WhatsApp Business Account"
        )
        raise RefusedError(100, message=message)
    if len(url) > _LONGEST_URL or not url.startswith(("https://", "http://")):
        raise RefusedError(
            100, message="(#100) Param override_callback_uri must be a valid URI of at most 200 characters"
        )
    if not verify_token:
        raise RefusedError(100, message="(#100) The parameter verify_token is required")
    await _verify(call, url, verify_token)
    return url


async def _verify(call: Call, url: str, verify_token: str) -> None:
    challenge = str(secrets.randbelow(10**10))
    status, body = await call.world.deliveries.verify(verify_token, challenge, url=url)
    if status is None:
        raise _unproven("The URL couldn't be reached.")
    if status != _VERIFIED:
        raise _unproven(f"HTTP Status Code = {status}")
    if body != challenge:
        raise _unproven("The response does not match challenge.")


def _unproven(reason: str) -> RefusedError:
    message = f"(#2200) Callback verification failed with the following errors: {reason}"
    return RefusedError(2200, message=message)
