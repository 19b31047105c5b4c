"""Whom a request speaks for: an API key in the Authorization header is one organization."""

import hashlib
import time
from collections import OrderedDict
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from store.engine import Database
from store.errors import UnauthorizedError
from store.hashing import KeyedHash
from store.organizations import organization_of_key

_REMEMBERED_SECONDS = 10.0
_MOST_KEYS = 10_000

_bearer = HTTPBearer(auto_error=False, description="An API key, `hf_…`, made by `holdfast api-keys create`.")


class ApiKeys:
    """Looks keys up and remembers the good ones for ten seconds: a revoked key may work that much longer."""

    def __init__(self, database: Database, keyed_hash: KeyedHash) -> None:
        self._database = database
        self._keyed_hash = keyed_hash
        self._known: OrderedDict[bytes, tuple[UUID, float]] = OrderedDict()

    async def organization(self, key: str) -> UUID:
        """The organization that a key speaks for.

        Raises:
            UnauthorizedError: the key is unknown or revoked.
        """
        digest = hashlib.sha256(key.encode()).digest()
        organization_id, until = self._known.get(digest, (None, 0.0))
        if organization_id is not None and until > time.monotonic():
            return organization_id
        organization_id = await organization_of_key(self._database, self._keyed_hash, key)
        self._known.pop(digest, None)
        if organization_id is None:
            raise UnauthorizedError("The API key is unknown or revoked.")
        self._known[digest] = (organization_id, time.monotonic() + _REMEMBERED_SECONDS)
        if len(self._known) > _MOST_KEYS:
            self._known.popitem(last=False)
        return organization_id


async def _caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> UUID:
    if credentials is None:
        raise UnauthorizedError("The request has no API key.")
    keys: ApiKeys = request.app.state.api_keys
    return await keys.organization(credentials.credentials)


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


Caller = Annotated[UUID, Depends(_caller)]
"""The organization that the request speaks for: every query names it."""
Store = Annotated[Database, Depends(_database)]
