"""How the management calls are made: one request, its secrets kept out of every value that comes back, all pages."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, urlencode

import httpx
import orjson

from whatsapp import calls, usage
from whatsapp.calls import UNUSABLE_TOKEN, Failure, Lost, NotWritten, Refused
from whatsapp.foreign import mapping, objects, text
from whatsapp.pacing import Pacing
from whatsapp.signature import appsecret_proof
from whatsapp.usage import Usage

PAGE = 100
MOST_PAGES = 50
"""Of one list: a business has 20 numbers at most, so a list that does not end by then never will."""
SHORTEST_HIDDEN = 4
"""Characters. Hiding a shorter text would only make Meta's words unreadable."""

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True)
class Call:
    """One request: what it says, and what of it nobody may see."""

    method: str
    path: str
    token: str | None = field(repr=False)
    """None: the parameters prove who asks."""
    params: Mapping[str, str] = field(default_factory=dict, repr=False)
    content: Mapping[str, Any] | None = field(default=None, repr=False)
    secrets: Sequence[str] = field(default=(), repr=False)
    """Beside the token, the proof and the app's secret, which never show."""
    proven: bool = True
    """By the app's secret; an app token holds the secret itself."""

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
    app_secret: str = field(repr=False)
    deadline: timedelta
    on_usage: Callable[[Usage], None] | None = field(default=None, repr=False)
    pacing: Pacing | None = field(default=None, repr=False)
    for_person: bool = True
    """Somebody waits for what these calls answer: they go before others."""

    async def ask(self, call: Call) -> dict[str, Any] | Failure:
        """The object that Graph answered with, or a failure that shows none of the call's secrets."""
        if call.token is not None and not calls.is_usable(call.token):
            return UNUSABLE_TOKEN
        put_off = await self._put_off(call)
        if put_off is not None:
            return put_off
        headers = {} if call.token is None else {"Authorization": f"Bearer {call.token}"}
        content = None if call.content is None else orjson.dumps(call.content)
        if content is not None:
            headers["Content-Type"] = "application/json"
        response = await calls.request(
            self.client, call.method, self._url(call), headers=headers, content=content, deadline=self.deadline
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

    async def ask_all(self, call: Call, make: Callable[[Mapping[str, Any]], Made | None]) -> list[Made] | Failure:
        """All pages of a list. Meta's own link to the next page carries the token, so only its cursor is used."""
        made: list[Made] = []
        params = {**call.params, "limit": str(PAGE)}
        for _ in range(MOST_PAGES):
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
        return Lost(f"a list without an end: {MOST_PAGES} pages were read")

    def _url(self, call: Call) -> str:
        params = dict(call.params)
        if call.token and call.proven and self.app_secret:
            params["appsecret_proof"] = appsecret_proof(call.token, self.app_secret)
        url = f"{self.base_url.rstrip('/')}/{self.version}/{call.path}"
        return f"{url}?{urlencode(params)}" if params else url

    def _hidden(self, call: Call) -> list[str]:
        shown = [*call.secrets, self.app_secret]
        shown += [call.token, appsecret_proof(call.token, self.app_secret)] if call.token else []
        # An address quotes what it carries; a text that holds another one goes first.
        forms = {form for one in shown for form in (one, quote(one, safe=""), quote_plus(one))}
        return sorted((form for form in forms if len(form) >= SHORTEST_HIDDEN), key=len, reverse=True)


def path(*parts: str) -> str:
    """A path of ids and edges."""
    return "/".join(quote(part, safe="") for part in parts)


def unlike(expected: str) -> Lost:
    """A success that does not say what it should: what was done is not known."""
    return Lost(f"HTTP 200 without {expected}")
