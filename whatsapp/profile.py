"""What customers see of a business beside a number's name: its profile at Meta, and Meta's limits on it (section 9).

Nothing of it is kept here: it is changed in WhatsApp Manager too, and Meta sends no word of that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from whatsapp.calls import Failure
from whatsapp.foreign import objects, text
from whatsapp.management import Call, Done, Management, path, unlike
from whatsapp.resumable import File, Handle, ResumableUploads

LONGEST_ABOUT = 139
"""Characters, as all of these are; and at least one: Meta takes no empty `about`."""
LONGEST_ADDRESS = 256
LONGEST_DESCRIPTION = 256
"""Meta's specification says 256, its older pages 512: what is taken for sure."""
LONGEST_EMAIL = 128
LONGEST_WEBSITE = 256
MOST_WEBSITES = 2
Vertical = Literal[
    "OTHER", "AUTO", "BEAUTY", "APPAREL", "EDU", "ENTERTAIN", "EVENT_PLAN", "FINANCE", "GROCERY", "GOVT", "HOTEL",
    "HEALTH", "NONPROFIT", "PROF_SERVICES", "RETAIL", "TRAVEL", "RESTAURANT", "ALCOHOL", "ONLINE_GAMBLING",
    "PHYSICAL_GAMBLING", "OTC_DRUGS",
]  # fmt: skip
"""The lines of business that may be chosen; what is read may be another one, they grow."""

_FIELDS = ("about", "address", "description", "email", "profile_picture_url", "websites", "vertical")
_EDGE = "whatsapp_business_profile"


@dataclass(frozen=True, slots=True)
class Profile:
    """A number's profile as Meta has it. What is not set is None."""

    about: str | None
    address: str | None
    description: str | None
    email: str | None
    vertical: str | None
    websites: tuple[str, ...]
    picture_url: str | None
    """Meta's own address of the picture; it changes with the picture and with time."""


class Profiles:
    """Graph's calls about profiles."""

    def __init__(self, graph: Management, app_id: str) -> None:
        self._graph = graph
        self._uploads = ResumableUploads(graph, app_id)

    async def read(self, phone_number_id: str, token: str) -> Profile | Failure:
        """A number's profile."""
        params = {"fields": ",".join(_FIELDS)}  # without them Meta tells next to nothing
        body = await self._graph.ask(Call("GET", path(phone_number_id, _EDGE), token, params=params))
        if not isinstance(body, dict):
            return body
        if not isinstance(body.get("data"), list):
            return unlike("a profile")
        return _profile(next(iter(objects(body["data"])), {}))

    async def change(self, phone_number_id: str, token: str, changes: Mapping[str, Any]) -> Done | Failure:
        """Change what is given, by Meta's own names; an empty text or list takes a field away. Safe to repeat."""
        content = {"messaging_product": "whatsapp", **changes}
        return await self._graph.do(Call("POST", path(phone_number_id, _EDGE), token, content=content))

    async def upload_picture(self, picture: File, token: str) -> Handle | Failure:
        """Upload what `profile_picture.checked` has found good; `change` shows it, as `profile_picture_handle`."""
        return await self._uploads.upload(picture, token)


def _profile(told: Mapping[str, Any]) -> Profile:
    websites = told.get("websites")
    return Profile(
        about=text(told.get("about")) or None,
        address=text(told.get("address")) or None,
        description=text(told.get("description")) or None,
        email=text(told.get("email")) or None,
        vertical=text(told.get("vertical")) or None,
        websites=tuple(one for part in websites if (one := text(part))) if isinstance(websites, list) else (),
        picture_url=text(told.get("profile_picture_url")) or None,
    )
