"""The management calls of Meta's Graph: tokens, accounts, numbers, subscriptions, registering (sections 2, 3 and 8).

What the network does comes back as a value (`calls.Failure`), never raised. Token and app token travel in the
Authorization header; what Meta takes as a parameter only (code, client secret, the token to inspect) stands in the
request and nowhere else: no value that comes back shows it, not even where Meta's own words repeat it.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Literal, Self

import httpx

from whatsapp import account_facts, calls
from whatsapp.account_facts import (
    NUMBER_FIELDS,
    WABA_FIELDS,
    AppSubscription,
    NumberFacts,
    Subscription,
    Token,
    TokenFacts,
    Waba,
)
from whatsapp.app_secrets import AppSecrets
from whatsapp.calls import UNUSABLE_TOKEN, Failure, Lost, NotWritten, Refused
from whatsapp.foreign import text
from whatsapp.management import Call, Done, Management, path, unlike
from whatsapp.pacing import Pacing
from whatsapp.profile import Profiles
from whatsapp.template_calls import TemplateCalls
from whatsapp.usage import Usage

__all__ = [
    "Accounts",
    "AppSubscription",
    "Done",
    "Failure",
    "Lost",
    "NotWritten",
    "NumberFacts",
    "Refused",
    "Subscription",
    "SyncKind",
    "SyncRequested",
    "Token",
    "TokenFacts",
    "Waba",
]

SyncKind = Literal["smb_app_state_sync", "history"]


@dataclass(frozen=True, slots=True)
class SyncRequested:
    """Meta will send what was asked for, as webhooks."""

    request_id: str | None


class Accounts:
    """Graph's management calls at one base URL and version, for any number of tokens."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        *,
        base_url: str,
        version: str,
        app_id: str,
        secrets: AppSecrets,
        deadline: timedelta,
        on_usage: Callable[[Usage], None] | None = None,
        pacing: Pacing | None = None,
    ) -> None:
        """`deadline` is for each call, from connect to the last byte.

        `on_usage` is told what the headers of each answer say of Meta's limits; `pacing` keeps calls within them.
        """
        self._graph = Management(client, base_url, version, secrets, deadline, on_usage, pacing)
        self._app_id = app_id

    def unhurried(self) -> Self:
        """The same calls for what nobody waits for: they come last where Meta's limits are nearly used up."""
        others = copy(self)
        others._graph = replace(self._graph, for_person=False)  # noqa: SLF001 - of its own kind
        return others

    @property
    def profiles(self) -> Profiles:
        """The calls about what customers see of a business."""
        return Profiles(self._graph, self._app_id)

    @property
    def templates(self) -> TemplateCalls:
        """The calls about message templates."""
        return TemplateCalls(self._graph)

    async def exchange_code(self, code: str, *, redirect_uri: str | None = None) -> Token | Failure:
        """Exchange a code for a token, once: after any answer but `NotWritten` the code is spent.

        `redirect_uri` is the one of the login dialog, to the letter; a code of the popup has none.
        """
        params = {"code": code}
        if redirect_uri is not None:
            params["redirect_uri"] = redirect_uri
        return await self._token(params, secrets=(code,))

    async def renew_token(self, token: str) -> Token | Failure:
        """A token for 60 more days; the old one is kept until `inspect_token` accepts the new one."""
        if not calls.is_usable(token):
            return UNUSABLE_TOKEN
        params = {
            "grant_type": "fb_exchange_token",
            "set_token_expires_in_60_days": "true",
            "fb_exchange_token": token,
        }
        return await self._token(params, secrets=(token,))

    async def inspect_token(self, token: str) -> TokenFacts | Failure:
        """What Meta knows of a token, asked with the app's own."""
        call = Call("GET", "debug_token", None, params={"input_token": token}, secrets=(token,), as_app=self._app_id)
        body = await self._graph.ask(call)
        if not isinstance(body, dict):
            return body
        data = body.get("data")
        return account_facts.token_facts(data) if isinstance(data, dict) else unlike("facts of a token")

    async def waba(self, waba_id: str, token: str) -> Waba | Failure:
        """One account."""
        body = await self._graph.ask(Call("GET", path(waba_id), token, params=_fields(WABA_FIELDS)))
        return body if not isinstance(body, dict) else account_facts.waba(body) or unlike("an account")

    async def wabas_of_business(self, business_id: str, token: str) -> list[Waba] | Failure:
        """The accounts that a business owns and those of its clients, each once.

        One of the two lists may be refused to a token; a list that merely did not come is no answer.
        """
        found: dict[str, Waba] = {}
        refused: Failure | None = None
        for edge in ("client_whatsapp_business_accounts", "owned_whatsapp_business_accounts"):
            call = Call("GET", path(business_id, edge), token, params=_fields(WABA_FIELDS))
            answer = await self._graph.ask_all(call, account_facts.waba)
            if isinstance(answer, list):
                found |= {one.id: one for one in answer}
            elif isinstance(answer, Refused) and not answer.is_transient and refused is None:
                refused = answer
            else:
                return answer
        return list(found.values()) or refused or []

    async def numbers(self, waba_id: str, token: str) -> list[NumberFacts] | Failure:
        """All numbers of an account, the newest signup first."""
        call = Call("GET", path(waba_id, "phone_numbers"), token, params=_fields(NUMBER_FIELDS))
        return await self._graph.ask_all(call, account_facts.number_facts)

    async def number(self, phone_number_id: str, token: str) -> NumberFacts | Failure:
        """One number."""
        body = await self._graph.ask(Call("GET", path(phone_number_id), token, params=_fields(NUMBER_FIELDS)))
        return body if not isinstance(body, dict) else account_facts.number_facts(body) or unlike("a number")

    async def subscriptions(self, waba_id: str, token: str) -> list[Subscription] | Failure:
        """The apps that receive an account's webhooks."""
        call = Call("GET", path(waba_id, "subscribed_apps"), token)
        return await self._graph.ask_all(call, account_facts.subscription)

    async def subscribe(self, waba_id: str, token: str) -> Done | Failure:
        """Subscribe our app to an account, to be called at the app's own address; clears the account's override."""
        return await self._graph.do(Call("POST", path(waba_id, "subscribed_apps"), token))

    async def subscribe_with_override(self, waba_id: str, token: str, *, url: str, verify_token: str) -> Done | Failure:
        """Have an account's webhooks sent elsewhere; Meta verifies the address during the call."""
        content = {"override_callback_uri": url, "verify_token": verify_token}
        edge = path(waba_id, "subscribed_apps")
        return await self._graph.do(Call("POST", edge, token, content=content, secrets=(verify_token,)))

    async def unsubscribe(self, waba_id: str, token: str) -> Done | Failure:
        """Take our app's subscription away: of all numbers of the account."""
        return await self._graph.do(Call("DELETE", path(waba_id, "subscribed_apps"), token))

    async def set_number_callback(
        self, phone_number_id: str, token: str, url: str, verify_token: str
    ) -> Done | Failure:
        """Have one number's webhooks sent elsewhere; an empty address takes that back."""
        configuration = {"override_callback_uri": url, "verify_token": verify_token}
        content = {"webhook_configuration": configuration if url else {"override_callback_uri": ""}}
        return await self._graph.do(
            Call("POST", path(phone_number_id), token, content=content, secrets=(verify_token,))
        )

    async def register(self, phone_number_id: str, token: str, pin: str) -> Done | Failure:
        """Register a number for the Cloud API. Meta locks it for 72 h after ten calls: never repeated by itself."""
        content = {"messaging_product": "whatsapp", "pin": pin}
        call = Call("POST", path(phone_number_id, "register"), token, content=content, secrets=(pin,))
        return await self._graph.do(call)

    async def deregister(self, phone_number_id: str, token: str) -> Done | Failure:
        """Take a number off the Cloud API; refused for one that is used in the app too; counted like registering."""
        return await self._graph.do(Call("POST", path(phone_number_id, "deregister"), token))

    async def request_sync(self, phone_number_id: str, token: str, kind: SyncKind) -> SyncRequested | Failure:
        """Ask for the contacts or the past of a number that is used in the app too: once, and within 24 h."""
        content = {"messaging_product": "whatsapp", "sync_type": kind}
        body = await self._graph.ask(Call("POST", path(phone_number_id, "smb_app_data"), token, content=content))
        return SyncRequested(text(body.get("request_id"))) if isinstance(body, dict) else body

    async def app_subscriptions(self) -> list[AppSubscription] | Failure:
        """Where our app's webhooks go and which fields it gets."""
        call = Call("GET", path(self._app_id, "subscriptions"), None, as_app=self._app_id)
        return await self._graph.ask_all(call, account_facts.app_subscription)

    async def _token(self, params: Mapping[str, str], *, secrets: Sequence[str]) -> Token | Failure:
        call = Call("GET", "oauth/access_token", None, params=params, secrets=secrets, as_client=self._app_id)
        body = await self._graph.ask(call)
        return body if not isinstance(body, dict) else account_facts.token(body) or unlike("an access token")


def _fields(names: Sequence[str]) -> dict[str, str]:
    return {"fields": ",".join(names)}
