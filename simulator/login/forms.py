"""What the dialog was asked for, and what a person chose on it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args
from urllib.parse import urlsplit

from simulator.business.tokens import BUSINESS, MANAGEMENT, MESSAGING, SIXTY_DAYS
from simulator.figures import digits_of
from simulator.login.endings import EndingOrder, Kind
from simulator.onboarding_orders import StandingOrder

ASKED = ("client_id", "config_id", "response_type", "redirect_uri", "state", "display", "extras", "cb", "origin")


@dataclass(frozen=True, slots=True)
class Asked:
    """The dialog's parameters."""

    fields: dict[str, str]

    @classmethod
    def of(cls, values: Mapping[str, str]) -> "Asked":
        """Those that the dialog knows."""
        return cls({name: values[name] for name in ASKED if name in values})

    @property
    def is_popup(self) -> bool:
        """The SDK's popup, which has an opener; else the dialog redirects."""
        return self.fields.get("display") == "popup"

    @property
    def redirect_uri(self) -> str | None:
        """Where the dialog redirects to."""
        return None if self.is_popup else self.fields.get("redirect_uri")

    @property
    def feature(self) -> str:
        """The flow that was asked for by `extras.featureType`."""
        try:
            extras = json.loads(self.fields.get("extras", "{}"))
        except ValueError:
            return ""
        return str(extras.get("featureType", "")) if isinstance(extras, dict) else ""

    def problem(self, app_id: str, redirect_uris: list[str]) -> tuple[str, str] | None:
        """Why Facebook would not show the dialog: what it says, and what to do."""
        fields = self.fields
        if fields.get("client_id") != app_id:
            return "Invalid app id", f"The page asks for app {fields.get('client_id') or 'none'}; this is app {app_id}."
        if not fields.get("config_id"):
            return "Invalid config id", "The page names no configuration of Facebook Login for Business."
        if fields.get("response_type") != "code":
            return "Invalid response type", "Facebook Login for Business wants response_type=code."
        if self.is_popup:
            known = urlsplit(fields.get("origin", "")).scheme in {"http", "https"} and fields.get("cb")
            return None if known else ("No opener", "The popup was not opened by the SDK: cb and origin are missing.")
        uri = fields.get("redirect_uri", "")
        if urlsplit(uri).scheme not in {"http", "https"} or (redirect_uris and uri not in redirect_uris):
            return "URL blocked", "The redirect_uri is not among the app's valid OAuth redirect URIs, letter by letter."
        return None


def chosen(form: Mapping[str, list[str]]) -> EndingOrder:
    """The ending that a person chose on the page."""
    kind = _one(form, "ending", "finish")
    connects = _one(form, "connects", "new")
    order: dict[str, Any] = {"kind": kind if kind in get_args(Kind) else "finish"}
    order |= {"callback_first": _one(form, "order") == "callback", "step": _one(form, "step", "PHONE_NUMBER_SETUP")}
    scopes = {MANAGEMENT, MESSAGING, BUSINESS} & set(form.get("scope", []))
    order |= {"scopes": sorted(scopes), "names_targets": _one(form, "targets") != "all"}
    order["seconds"] = SIXTY_DAYS if _one(form, "life") == "60" else None
    if connects.startswith("number:"):
        order["phone_number_ids"] = [connects.removeprefix("number:")]
    elif connects == "several":
        order |= {"new_numbers": 2, "names_number": False}
    elif connects in {"coexistence", "finish_only_waba"} and order["kind"] == "finish":
        order["kind"] = connects
    digits = digits_of(_one(form, "phone"))
    if digits and connects in {"new", "coexistence"}:
        order["display_phone_number"] = digits
    pin = _one(form, "pin")
    if pin and connects == "new":
        order["standing"] = StandingOrder(pin=pin)
    return EndingOrder(**order)


def _one(form: Mapping[str, list[str]], name: str, default: str = "") -> str:
    return (form.get(name) or [default])[0]
