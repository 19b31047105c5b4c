"""Who calls: the token, whether it lives, and whether its proof holds."""

import hmac
from collections.abc import Mapping

from simulator.business.tokens import Token
from simulator.refusals import RefusedError, dead_token
from simulator.wire import app_secret_proof
from simulator.world import World


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
