"""`/{phone}/whatsapp_business_profile`: what customers see of a business, within Meta's limits."""

import io
from collections.abc import Mapping
from typing import Any

from PIL import Image, UnidentifiedImageError
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.authority import bearer
from simulator.management.call import Call, Desk, Json, Operation
from simulator.management.objects import number_of
from simulator.refusals import RefusedError
from simulator.resumable import Uploads

LONGEST = {"about": 139, "address": 256, "description": 256, "email": 128}
WEBSITES, LONGEST_WEBSITE = 2, 256
VERTICALS = frozenset({
    "ALCOHOL", "APPAREL", "AUTO", "BEAUTY", "EDU", "ENTERTAIN", "EVENT_PLAN", "FINANCE", "GOVT", "GROCERY", "HEALTH",
    "HOTEL", "NONPROFIT", "ONLINE_GAMBLING", "OTC_DRUGS", "OTHER", "PHYSICAL_GAMBLING", "PROF_SERVICES", "RESTAURANT",
    "RETAIL", "TRAVEL",
})  # fmt: skip
PICTURE_TYPES = ("image/jpeg", "image/jpg", "image/png")
PICTURE_BYTES = 5 * 1024 * 1024
PICTURE_PIXELS = range(192, 641)
_FIELDS = ("about", "address", "description", "email", "profile_picture_url", "websites", "vertical")


class Profiles:
    """The profiles of one world's numbers; pictures come by the handles of its uploads."""

    def __init__(self, desk: Desk, uploads: Uploads) -> None:
        self._desk = desk
        self._uploads = uploads
        self._profiles: dict[str, dict[str, Any]] = {}

    def routes(self) -> list[Route]:
        """Its path."""
        path = "/{version:version}/{phone_number_id}/whatsapp_business_profile"
        read, change = Operation("profile", self._read), Operation("change_profile", self._change)

        async def answer(request: Request) -> Response:
            operation = read if request.method == "GET" else change
            # Of all calls this one says 200 and not 190 to a caller without a token.
            if not bearer(request.headers) and "access_token" not in request.query_params:
                return RefusedError(200, message="(#200) Provide valid app ID").response()
            return await self._desk.answer(request, operation, request.path_params["phone_number_id"])

        return [Route(path, answer, methods=["GET", "POST"])]

    async def _read(self, call: Call) -> Json:
        profile = self._profiles.get(number_of(call).phone_number_id, {})
        asked = [name.strip() for name in call.text("fields").split(",") if name.strip()]
        if unknown := set(asked) - {*_FIELDS, "messaging_product"}:
            named = unknown.pop()
            raise RefusedError(100, message=f"(#100) Tried accessing nonexisting field ({named})")
        row = {name: profile[name] for name in asked if profile.get(name)}
        return {"data": [row | {"messaging_product": "whatsapp"}]}

    async def _change(self, call: Call) -> Json:
        number = number_of(call)
        if call.text("messaging_product") != "whatsapp":
            raise RefusedError(100, message="(#100) The parameter messaging_product is required.")
        changes = _checked(call.params)
        if "profile_picture_handle" in call.params:
            changes["profile_picture_url"] = self._picture(call.text("profile_picture_handle"))
        self._profiles.setdefault(number.phone_number_id, {}).update(changes)
        return {"success": True}

    def _picture(self, handle: str) -> str:
        upload = self._uploads.by_handle(handle)
        if upload is None or upload.mime_type not in PICTURE_TYPES or upload.length > PICTURE_BYTES:
            raise _invalid("profile_picture_handle must be of a picture of at most 5 MB")
        try:
            with Image.open(io.BytesIO(bytes(upload.data)), formats=("JPEG", "PNG")) as image:
                size = image.size
        except (UnidentifiedImageError, Image.DecompressionBombError) as error:
            raise _invalid("profile_picture_handle must be of a JPG or PNG file") from error
        if not all(side in PICTURE_PIXELS for side in size):
            raise _invalid("The picture must have 192 to 640 pixels on each side")
        return f"https://pps.whatsapp.net/v/t61.24694-24/{handle[2:18]}.jpg"


def _checked(params: Mapping[str, Any]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for name, longest in LONGEST.items():
        if name in params:
            changes[name] = _text(name, params[name], longest)
    if changes.get("about") == "":
        raise _invalid("Param about must have at least 1 character")
    if changes.get("email") and "@" not in changes["email"]:
        raise _invalid("Param email must be a valid email address")
    if "vertical" in params:
        changes["vertical"] = vertical = params["vertical"]
        if not isinstance(vertical, str) or vertical not in VERTICALS:
            raise _invalid("Param vertical must be one of the known values")
    if "websites" in params:
        changes["websites"] = _websites(params["websites"])
    return changes


def _text(name: str, value: Any, longest: int) -> str:
    if not isinstance(value, str) or len(value) > longest:
        raise _invalid(f"Param {name} must be at most {longest} characters long")
    return value


def _websites(value: Any) -> list[str]:
    if not isinstance(value, list) or len(value) > WEBSITES:
        raise _invalid(f"Param websites must be at most {WEBSITES} addresses")
    for one in value:
        if not _text("websites", one, LONGEST_WEBSITE).startswith(("https://", "http://")):
            raise _invalid("Param websites must begin with http:// or https://")
    return value


def _invalid(message: str) -> RefusedError:
    return RefusedError(100, message=f"(#100) {message}")
