"""`GET /oauth/access_token`: a code for a token, and a token for one that lives longer. `GET /debug_token`."""

import hmac
from typing import Any

from simulator.business.tokens import SIXTY_DAYS, Code, Token
from simulator.management.call import Call, Json
from simulator.refusals import RefusedError, dead_token, death_message

EXPIRED, OTHER_REDIRECT, USED = 36007, 36008, 36009


async def exchange_code(call: Call) -> Json:
    """Exchange a code, within its 30 s, once, with the redirect_uri it was made for."""
    _check_app(call)
    assets, now = call.world.assets, call.world.clock.now()
    code = assets.codes.get(call.text("code"))
    if code is None:
        raise RefusedError(100, message="Invalid verification code format.")
    _check_code(code, call.text("redirect_uri"), now)
    code.used = True
    token = code.token
    token.issued_at = now
    assets.tokens[token.text] = token
    return _answer(token, now)


async def renew_token(call: Call) -> Json:
    """A new token of 60 days for one that lives; the old one goes on until its own end."""
    _check_app(call)
    assets, now = call.world.assets, call.world.clock.now()
    old = assets.tokens.get(call.text("fb_exchange_token"))
    if old is None:
        raise dead_token()
    if (subcode := old.death(now)) is not None:
        raise dead_token(subcode)
    token = assets.new_token(
        business_id=old.business_id,
        waba_ids=old.waba_ids,
        now=now,
        scopes=old.scopes,
        seconds=SIXTY_DAYS,
        names_targets=old.names_targets,
        app_id=old.app_id,
    )
    return _answer(token, now)


async def debug_token(call: Call) -> Json:
    """What a token is. One that is dead is told of too, with the reason; one that never was has nothing to tell."""
    assets, now = call.world.assets, call.world.clock.now()
    token = assets.tokens.get(call.text("input_token"))
    if token is None:
        error = {"code": 190, "message": "Invalid OAuth access token - Cannot parse access token"}
        return {"data": {"error": error, "is_valid": False, "scopes": []}}
    data: dict[str, Any] = {
        "app_id": token.app_id,
        "type": token.type,
        "application": "Holdfast" if token.app_id == assets.app_id else "Another app",
        "data_access_expires_at": 0,
        "expires_at": int(token.expires_at),
        "is_valid": True,
        "issued_at": int(token.issued_at),
        "scopes": token.scopes,
        "granular_scopes": token.granular_scopes,
        "user_id": token.user_id,
    }
    if (subcode := _death(call, token, now)) is not None:
        data["error"] = {"code": 190, "message": death_message(subcode), "subcode": subcode}
        data["is_valid"] = False
    return {"data": data}


def _death(call: Call, token: Token, now: float) -> int | None:
    subcode = token.death(now)
    if subcode is None and any(n.knobs.revoked for n in call.world.numbers.values() if n.waba_id in token.waba_ids):
        return 463
    return subcode


def _check_app(call: Call) -> None:
    config = call.world.deliveries.config
    if call.text("client_id") != config.app_id:
        raise RefusedError(101)
    if not hmac.compare_digest(call.text("client_secret").encode(), config.app_secret.encode()):
        raise RefusedError(1, message="Error validating client secret.", http_status=400, is_transient=False)


def _check_code(code: Code, redirect_uri: str, now: float) -> None:
    if code.used:
        raise RefusedError(100, message="This authorization code has been used.", subcode=USED)
    if now >= code.expires_at:
        raise RefusedError(100, message="This authorization code has expired.", subcode=EXPIRED)
    if redirect_uri != (code.redirect_uri or ""):
        message = (
            "Error validating verification code. Please make sure your redirect_uri is identical to the one you used "
            "in the OAuth dialog request"
        )
        raise RefusedError(100, message=message, subcode=OTHER_REDIRECT)


def _answer(token: Token, now: float) -> Json:
    answer: Json = {"access_token": token.text, "token_type": "bearer"}
    if token.expires_at:
        answer["expires_in"] = int(token.expires_at - now)
    return answer
