"""Whom a request speaks for: the organization of its API key, or of the person who is signed in to the console."""

import hashlib
import time
from collections import OrderedDict
from typing import Annotated, Protocol
from uuid import UUID

from fastapi import Depends, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from store.audit import By
from store.engine import Database
from store.errors import UnauthorizedError
from store.hashing import KeyedHash
from store.organizations import ApiKey, api_key
from store.sealing import KeyRing

_REMEMBERED_SECONDS = 10.0
_MOST_KEYS = 10_000

_bearer = HTTPBearer(auto_error=False, description="An API key, `hf_…`, made by `holdfast api-keys create`.")


class ApiKeys:
    """Looks keys up and remembers the good ones for ten seconds: a revoked key may work that much longer."""

    def __init__(self, database: Database, keyed_hash: KeyedHash) -> None:
        self._database = database
        self._keyed_hash = keyed_hash
        self._known: OrderedDict[bytes, tuple[ApiKey, float]] = OrderedDict()

    async def known(self, key: str) -> ApiKey:
        """The key behind what a caller sent.

        Raises:
            UnauthorizedError: the key is unknown or revoked.
        """
        digest = hashlib.sha256(key.encode()).digest()
        found, until = self._known.get(digest, (None, 0.0))
        if found is not None and until > time.monotonic():
            return found
        found = await api_key(self._database, self._keyed_hash, key)
        self._known.pop(digest, None)
        if found is None:
            raise UnauthorizedError("The API key is unknown or revoked.")
        self._known[digest] = (found, time.monotonic() + _REMEMBERED_SECONDS)
        if len(self._known) > _MOST_KEYS:
            self._known.popitem(last=False)
        return found


class Sessions(Protocol):
    """Finds the session that a browser's cookie names; the console's are given to the app as `app.state.sessions`."""

    async def organization(self, request: Request) -> UUID | None:
        """The organization of the person who is signed in; None without a session that is good.

        Sets `request.state.person_id`. A request that may change something has to carry the session's CSRF token in
        `X-CSRF-Token`.

        Raises:
            HoldfastError: it has a session and lacks that token.
        """


async def _caller(
    request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
) -> UUID:
    if credentials is not None:
        keys: ApiKeys = request.app.state.api_keys
        key = await keys.known(credentials.credentials)
        request.state.by = By("key", key.id)
        return key.organization_id
    # A header that is no good key is refused above: it never falls back to whatever cookie comes along.
    sessions: Sessions | None = getattr(request.app.state, "sessions", None)
    organization_id = None
    if sessions is not None and "authorization" not in request.headers:
        organization_id = await sessions.organization(request)
    if organization_id is None:
        raise UnauthorizedError("The request has no API key.")
    return organization_id


Caller = Annotated[UUID, Depends(_caller)]
"""The organization that the request speaks for: every query names it."""


def _person(request: Request, _: Caller) -> UUID | None:
    person_id: UUID | None = getattr(request.state, "person_id", None)
    return person_id


def _by(request: Request, _: Caller) -> By:
    by: By = getattr(request.state, "by", By("person", getattr(request.state, "person_id", None)))
    return by


def _database(request: Request) -> Database:
    database: Database = request.app.state.database
    return database


def _ring(request: Request) -> KeyRing:
    ring: KeyRing = request.app.state.ring
    return ring


Person = Annotated[UUID | None, Depends(_person)]
"""The person who is signed in; None when the request comes with a key."""
Acting = Annotated[By, Depends(_by)]
"""Who does it, for the audit log."""
Store = Annotated[Database, Depends(_database)]
Ring = Annotated[KeyRing, Depends(_ring)]
"""Seals what may not be readable in the database."""
