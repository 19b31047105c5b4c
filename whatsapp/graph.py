"""Sending by Meta's Graph API over a client it is given. What the network does comes back as a value, never raised.

The values keep apart what sending twice depends on: certainly not sent (`NotWritten`), refused (`Refused`; whether for
sure, its code tells), sent (`Accepted`), and everything else (`Lost`).
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from urllib.parse import quote

import httpx
import orjson

from whatsapp import calls, messages, usage
from whatsapp.app_secrets import AppSecrets
from whatsapp.calls import UNUSABLE_TOKEN, Lost, NotWritten, Refused
from whatsapp.errors import is_wrong_proof
from whatsapp.foreign import UnreadableError, identifier, objects, text
from whatsapp.signature import appsecret_proof

__all__ = ["Accepted", "Answer", "Graph", "Lost", "NotWritten", "Refused"]


@dataclass(frozen=True, slots=True)
class Accepted:
    """Meta took the message. Accepted is not delivered."""

    wamid: str
    wa_id: str | None = None
    """Whom Meta found under the address; may differ from what was asked (Brazil, Mexico)."""
    user_id: str | None = None
    message_status: str | None = None
    """Only of paced templates: accepted, held_for_quality_assessment or paused."""


Answer = Accepted | Refused | Lost | NotWritten


@dataclass(frozen=True, slots=True)
class Graph:
    """Graph's messages at one base URL and version, for any number of tokens.

    What the client has to keep, `calls.request` says. No value shows URL, token or content.
    """

    client: httpx.AsyncClient
    base_url: str
    version: str
    secrets: AppSecrets
    """Prove that the token is used by its own app; none leaves the proof out."""
    deadline: timedelta
    """For a whole call, from connect to the last byte."""

    async def send(self, phone_number_id: str, token: str, payload: Mapping[str, Any]) -> Answer:
        """Send one message (`messages.payload`)."""
        response = await self._post(phone_number_id, token, payload)
        return _answer(response) if isinstance(response, httpx.Response) else response

    async def mark_read(self, phone_number_id: str, token: str, wamid: str, *, typing: bool) -> bool:
        """Mark a message as read, with `typing` show that an answer is being written; whether Meta did it."""
        response = await self._post(phone_number_id, token, messages.read_receipt(wamid, typing=typing))
        return isinstance(response, httpx.Response) and calls.body_of(response).get("success") is True

    async def _post(
        self, phone_number_id: str, token: str, payload: Mapping[str, Any]
    ) -> httpx.Response | Refused | Lost | NotWritten:
        """Post it; refused for its proof, which is before anything is done, it is posted again with the other secret.

        All within one deadline.
        """
        if not calls.is_usable(token):
            return UNUSABLE_TOKEN
        url, content = self._url(phone_number_id), orjson.dumps(payload)
        began, secret = time.monotonic(), self.secrets.in_use
        response = await self._request(url, token, content, secret=secret, deadline=self.deadline)
        if not _refuses_proof(response):
            return response
        for other in self.secrets.others(secret):
            left = self.deadline - timedelta(seconds=time.monotonic() - began)
            repeated = await self._request(url, token, content, secret=other, deadline=left)
            if not _refuses_proof(repeated):
                if isinstance(repeated, httpx.Response):
                    self.secrets.works(other, instead_of=secret)
                return repeated
        self.secrets.none_works(secret)
        return response

    async def _request(
        self, url: str, token: str, content: bytes, *, secret: str, deadline: timedelta
    ) -> httpx.Response | Lost | NotWritten:
        headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
        proven = f"{url}?appsecret_proof={appsecret_proof(token, secret)}" if secret else url
        return await calls.request(self.client, "POST", proven, headers=headers, content=content, deadline=deadline)

    def _url(self, phone_number_id: str) -> str:
        return f"{self.base_url.rstrip('/')}/{self.version}/{quote(phone_number_id, safe='')}/messages"


def _refuses_proof(response: httpx.Response | Lost | NotWritten) -> bool:
    if not isinstance(response, httpx.Response) or response.is_success:
        return False
    failure = calls.failure_of(response, calls.body_of(response))
    return isinstance(failure, Refused) and is_wrong_proof(failure.code, failure.detail)


def _answer(response: httpx.Response) -> Answer:
    body = calls.body_of(response)
    failure = calls.failure_of(response, body)
    if isinstance(failure, Refused):
        used = usage.of(response.headers)
        return replace(failure, regain_access=used.regain_access if used else None)
    if failure is not None:
        return failure
    return _accepted(body) or Lost(f"HTTP {response.status_code} without a message id")


def _accepted(body: dict[str, Any]) -> Accepted | None:
    sent, contacts = objects(body.get("messages")), objects(body.get("contacts"))
    if not sent:
        return None
    contact = contacts[0] if contacts else {}
    try:
        wamid = identifier(sent[0].get("id"))
        wa_id, user_id = identifier(contact.get("wa_id")), identifier(contact.get("user_id"))
    except UnreadableError:
        return None
    status = text(sent[0].get("message_status"))
    return Accepted(wamid, wa_id=wa_id, user_id=user_id, message_status=status) if wamid else None
