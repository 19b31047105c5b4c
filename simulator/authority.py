"""Who calls: the token, whether it lives, whether its proof holds, and whether it sees the number."""

import hmac
import re
from collections.abc import Mapping

from starlette.requests import Request

from simulator.business.tokens import MESSAGING, Token
from simulator.endings import refusal
from simulator.faults import Plan
from simulator.numbers import Number
from simulator.refusals import RefusedError, dead_token, invisible_object
from simulator.wire import app_secret_proof
from simulator.world import World

_VERSION = re.compile(r"v\d+\.\d+")
_UNKNOWN_PATH = 2500


def bearer(headers: Mapping[str, str]) -> str:
    """The token of the Authorization header; empty if there is none."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token if scheme.lower() == "bearer" else ""


class Authority:
    """Checks tokens and proofs of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._proofs: dict[str, str] = {}

    def token(self, text: str) -> Token:
        """The token of this text; 190 if it is dead or never was."""
        token = self._world.assets.tokens.get(text)
        if token is None:
            raise dead_token()
        if (subcode := token.death(self._world.clock.now())) is not None:
            raise dead_token(subcode)
        return token

    def number(self, request: Request, phone_number_id: str) -> Number:
        """The number that a call under `/{version}/{phone_number_id}/` may write with."""
        if not _VERSION.fullmatch(request.path_params["version"]):
            raise RefusedError(_UNKNOWN_PATH, message="Unknown path components")
        token = self.token(bearer(request.headers))
        number = self._world.numbers.get(phone_number_id)
        if number is None or not self.sees(token, number):
            raise invisible_object(phone_number_id)
        if number.knobs.revoked:
            raise dead_token()
        self.check_proof(request.query_params.get("appsecret_proof"), token.text)
        if MESSAGING not in token.scopes:
            raise RefusedError(10)
        return number

    def sees(self, token: Token, number: Number) -> bool:
        """Whether a number is among a token's assets."""
        return not number.knobs.removed and token.sees(self._world.assets.wabas[number.waba_id])

    def stop_by(self, plan: Plan, number: Number) -> None:
        """Refuse a call as a fault says, or as follows from what a fault takes away just now."""
        if plan.access is not None:
            self._world.take_access(number.phone_number_id, plan.access)
            raise dead_token() if plan.access.kind == "revoke" else invisible_object(number.phone_number_id)
        if plan.refuse is not None:
            raise refusal(plan.refuse)

    def check_app_token(self, text: str) -> None:
        """Refuse what is not `<app id>|<app secret>` of the app."""
        config = self._world.deliveries.config
        app_token = f"{config.app_id}|{config.app_secret}"
        if not hmac.compare_digest(text.encode(), app_token.encode()):
            raise RefusedError(190, message="Invalid OAuth access token signature.")

    def check_proof(self, proof: str | None, token: str) -> None:
        """Refuse a wrong proof always, a missing one where the app requires it."""
        if proof is None:
            if self._world.config.require_proof:
                raise RefusedError(100, message="API calls from the server require an appsecret_proof argument")
            return
        expected = self._proofs.get(token)
        if expected is None:
            expected = self._proofs[token] = app_secret_proof(token, self._world.deliveries.config.app_secret)
        if not hmac.compare_digest(proof.encode(), expected.encode()):
            raise RefusedError(100, message="Invalid appsecret_proof provided in the API argument")
