"""How the management calls are made: one request, its secrets kept out of every value that comes back, all pages."""

import math
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, urlencode

import httpx
import orjson

from whatsapp import calls, usage
from whatsapp.app_secrets import AppSecrets
from whatsapp.calls import UNUSABLE_TOKEN, Failure, Lost, NotWritten, Refused
from whatsapp.errors import is_wrong_proof, is_wrong_secret
from whatsapp.foreign import mapping, objects, text
from whatsapp.pacing import Pacing
from whatsapp.signature import appsecret_proof
from whatsapp.usage import Usage

PAGE = 100
MOST_PAGES = 50
"""Of one list: a business has 20 numbers at most, so a list that does not end by then never will."""
PART = 64 * 1024
"""Bytes of a file that are written at once."""
SHORTEST_HIDDEN = 4
"""Characters. Hiding a shorter text would only make Meta's words unreadable."""

_NOT_OUR_APP = frozenset({101, 190})
"""Refusals of an app's own token."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Done:
    """Meta did it."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what it says, and what of it nobody may see."""

    method: str
    path: str
    token: str | None = field(repr=False)
    """None: the parameters prove who asks, or the app itself does."""
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: Mapping[str, Any] | None = field(default=None, repr=False)
    raw: bytes | None = field(default=None, repr=False)
    """A file's bytes, instead of `content`."""
    headers: Mapping[str, str] = field(default_factory=dict)
    scheme: str = "Bearer"
    """What the header calls the token."""
    secrets: Sequence[str] = field(default=(), repr=False)
    """Beside the token, the proof and the app's secret, which never show."""
    as_app: str = ""
    """The app's id where the app itself asks: its token holds the secret that proves other calls."""
    as_client: str = ""
    """The app's id where the app names itself and its secret in the parameters: it asks for a token."""

    def token_by(self, secret: str) -> str | None:
        """What goes into the header."""
        return f"{self.as_app}|{secret}" if self.as_app else self.token

    def proof_by(self, secret: str) -> str | None:
        """What proves that the token is used by its own app."""
        return appsecret_proof(self.token, secret) if self.token and secret else None

    @property
    def object_id(self) -> str:
        """What it is about: Meta counts calls by it."""
        return self.path.partition("/")[0]


@dataclass(frozen=True, slots=True)
class Management:
    """Graph's management calls at one base URL and version."""

    client: httpx.AsyncClient
    base_url: str
    version: str
    secrets: AppSecrets
    deadline: timedelta
    on_usage: Callable[[Usage], None] | None = field(default=None, repr=False)
    pacing: Pacing | None = field(default=None, repr=False)
    for_person: bool = True
    """Somebody waits for what these calls answer: they go before others."""

    async def ask(self, call: Call) -> dict[str, Any] | Failure:
        """The object that Graph answered with, or a failure that shows none of the call's secrets.

        Where Meta does not accept what proves the app, nothing was done: it is asked again with the other secret.
        """
        if call.token is not None and not calls.is_usable(call.token):
            return UNUSABLE_TOKEN
        put_off = await self._put_off(call)
        if put_off is not None:
            return put_off
        secret = self.secrets.in_use
        answer = await self._ask(call, secret)
        if not _refuses_app(call, answer):
            return answer
        for other in self.secrets.others(secret):
            again = await self._ask(call, other)
            if not _refuses_app(call, again):
                if isinstance(again, dict | Refused):
                    self.secrets.works(other, instead_of=secret)
                return again
        self.secrets.none_works(secret)
        return answer

    async def _ask(self, call: Call, secret: str) -> dict[str, Any] | Failure:
        token = call.token_by(secret)
        headers = {} if token is None else {"Authorization": f"{call.scheme} {token}"}
        content: bytes | AsyncIterable[bytes] | None = None
        if call.content is not None:
            content, headers["Content-Type"] = orjson.dumps(call.content), "application/json"
        elif call.raw is not None:
            content, headers["Content-Length"] = _parts(call.raw), str(len(call.raw))
        url = self._url(call, secret)
        response = await calls.request(
            self.client, call.method, url, headers={**headers, **call.headers}, content=content, deadline=self.deadline
        )
        if not isinstance(response, httpx.Response):
            return response
        used = usage.of(response.headers)
        if used is not None:
            self._note(call, used)
        body = calls.body_of(response)
        failure = calls.failure_of(response, body, hidden=self._hidden(call))
        if isinstance(failure, Refused):
            return replace(failure, regain_access=used.regain_access if used else None)
        return failure or body

    async def _put_off(self, call: Call) -> NotWritten | None:
        """Wait for the call's turn under Meta's limits; what came of it where it is not made."""
        found = None if self.pacing is None else await self.pacing.wait(call.object_id, person=self.for_person)
        if found is None:
            return None
        minutes = math.ceil(found.until / timedelta(minutes=1))
        reason = f"{found.percent} % of Meta's limit on calls is used: not asked for another {minutes} min"
        return NotWritten(reason, put_off=found.until)

    def _note(self, call: Call, used: Usage) -> None:
        if self.pacing is not None:
            self.pacing.note(call.object_id, used)
        if self.on_usage is not None:
            self.on_usage(used)

    async def ask_all(
        self, call: Call, make: Callable[[Mapping[str, Any]], Made | None], *, most_pages: int = MOST_PAGES
    ) -> list[Made] | Failure:
        """All pages of a list. Meta's own link to the next page carries the token, so only its cursor is used."""
        made: list[Made] = []
        params = {**call.params, "limit": str(PAGE)}
        for _ in range(most_pages):
            body = await self.ask(replace(call, params=params))
            if not isinstance(body, dict):
                return body
            if not isinstance(body.get("data"), list):
                return unlike("a list")
            made += [one for part in objects(body["data"]) if (one := make(part)) is not None]
            paging = mapping(body.get("paging"))
            after = text(mapping(paging.get("cursors")).get("after"))
            if not paging.get("next") or not after:
                return made
            params["after"] = after
        return Lost(f"a list without an end: {most_pages} pages were read")

    async def do(self, call: Call) -> Done | Failure:
        """Have something done whose only answer is that it was."""
        body = await self.ask(call)
        if not isinstance(body, dict):
            return body
        return Done() if body.get("success") is True else unlike("success")

    def _url(self, call: Call, secret: str) -> str:
        params, proof = dict(call.params), call.proof_by(secret)
        if call.as_client:
            params |= {"client_id": call.as_client, "client_secret": secret}
        if proof is not None:
            params["appsecret_proof"] = proof
        url = f"{self.base_url.rstrip('/')}/{self.version}/{call.path}"
        return f"{url}?{urlencode(params)}" if params else url

    def _hidden(self, call: Call) -> list[str]:
        shown = [*call.secrets, *self.secrets.all]
        shown += [
            made
            for secret in self.secrets.all or [""]
            for made in (call.token_by(secret), call.proof_by(secret))
            if made
        ]
        # An address quotes what it carries; a text that holds another one goes first.
        forms = {form for one in shown for form in (one, quote(one, safe=""), quote_plus(one))}
        return sorted((form for form in forms if len(form) >= SHORTEST_HIDDEN), key=len, reverse=True)


async def _parts(raw: bytes) -> AsyncIterator[bytes]:
    """A file piece by piece: written in one it would keep the loop from everything else."""
    for begin in range(0, len(raw), PART):
        yield raw[begin : begin + PART]


def _refuses_app(call: Call, answer: dict[str, Any] | Failure) -> bool:
    """Whether Meta does not accept what the app proves itself with; of a call of the app's own its token does."""
    if not isinstance(answer, Refused):
        return False
    if call.as_client:
        return is_wrong_secret(answer.detail)
    return answer.code in _NOT_OUR_APP if call.as_app else is_wrong_proof(answer.code, answer.detail)


def path(*parts: str) -> str:
    """A path of ids and edges."""
    return "/".join(quote(part, safe="") for part in parts)


def unlike(expected: str) -> Lost:
    """A success that does not say what it should: what was done is not known."""
    return Lost(f"HTTP 200 without {expected}")
