"""Template messages: which template, in which language, and what fills its places.

Whether the template exists and these are its places is checked against what Meta has of it, where it is queued.
"""

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, Tag

from whatsapp.messages.fields import OURS, Clean, JsonObject, Part, Place, Text, by_type, entries, most, problem, unlike
from whatsapp.messages.media import FilePart, NamedFilePart
from whatsapp.messages.plain import LocationPart

NAME_LIMIT = 512
_NAME_SIGNS = frozenset("abcdefghijklmnopqrstuvwxyz0123456789_")


def _template_name(value: str) -> str:
    if set(value) - _NAME_SIGNS:
        raise problem("may have the letters a to z, digits and underscores only")
    return value


class TemplateLanguage(Part):
    """The language and, where there is one, the country."""

    code: Text = Field(description="As the template has it: `en_US`.")


class TextParameter(Part):
    """Words for a place: by their order, or by the place's name where the template has named ones."""

    type: Literal["text"]
    text: Text
    parameter_name: Text | None = None


class Currency(Part):
    """A sum, and how it reads where it cannot be formatted."""

    fallback_value: Text
    code: Text
    amount_1000: int = Field(description="The sum times 1,000.", ge=-(2**53), le=2**53, json_schema_extra=OURS)


class CurrencyParameter(Part):
    """A sum of money for a place."""

    type: Literal["currency"]
    currency: Currency
    parameter_name: Text | None = None


class DateTime(Part):
    """A time as it reads."""

    fallback_value: Text


class DateTimeParameter(Part):
    """A time for a place."""

    type: Literal["date_time"]
    date_time: DateTime
    parameter_name: Text | None = None


class ImageParameter(Part):
    """The picture of a header."""

    type: Literal["image"]
    image: FilePart


class VideoParameter(Part):
    """The film of a header."""

    type: Literal["video"]
    video: FilePart


class DocumentParameter(Part):
    """The document of a header."""

    type: Literal["document"]
    document: NamedFilePart


class LocationParameter(Part):
    """The place of a header."""

    type: Literal["location"]
    location: LocationPart


class PayloadParameter(Part):
    """What comes back when a quick reply is tapped."""

    type: Literal["payload"]
    payload: Text


class CouponParameter(Part):
    """The code that a button copies."""

    type: Literal["coupon_code"]
    coupon_code: Text


class ActionParameter(Part):
    """What a button that opens a flow or a catalogue is given."""

    type: Literal["action"]
    action: JsonObject


_FILES = ("image", "video", "document")


def _all_named_or_none(parameters: Sequence[Any]) -> Sequence[Any]:
    names = [one.parameter_name for one in parameters if "parameter_name" in type(one).model_fields]
    named = [name for name in names if name is not None]
    if named and len(named) < len(names):
        raise problem("either all have a parameter_name or none")
    if len(set(named)) < len(named):
        raise problem("two have the same parameter_name, each needs its own")
    if sum(one.type in _FILES for one in parameters) > 1:
        raise problem("have more than one file")
    return parameters


HeaderParameter = Annotated[
    Annotated[TextParameter, Tag("<text>")]
    | Annotated[CurrencyParameter, Tag("<currency>")]
    | Annotated[DateTimeParameter, Tag("<date_time>")]
    | Annotated[ImageParameter, Tag("<image>")]
    | Annotated[VideoParameter, Tag("<video>")]
    | Annotated[DocumentParameter, Tag("<document>")]
    | Annotated[LocationParameter, Tag("<location>")],
    by_type("text", "currency", "date_time", "image", "video", "document", "location"),
]
BodyParameter = Annotated[
    Annotated[TextParameter, Tag("<text>")]
    | Annotated[CurrencyParameter, Tag("<currency>")]
    | Annotated[DateTimeParameter, Tag("<date_time>")],
    by_type("text", "currency", "date_time"),
]
ButtonParameter = Annotated[
    Annotated[TextParameter, Tag("<text>")]
    | Annotated[PayloadParameter, Tag("<payload>")]
    | Annotated[CouponParameter, Tag("<coupon_code>")]
    | Annotated[ActionParameter, Tag("<action>")],
    by_type("text", "payload", "coupon_code", "action"),
]


class HeaderComponent(Part):
    """What fills the header: a file, or words."""

    type: Literal["header"]
    parameters: Annotated[list[HeaderParameter], entries(), AfterValidator(_all_named_or_none)] | None = None


class BodyComponent(Part):
    """What fills the places of the body."""

    type: Literal["body"]
    parameters: Annotated[list[BodyParameter], entries(), AfterValidator(_all_named_or_none)] | None = None


class ButtonComponent(Part):
    """What fills one button; `index` says which."""

    type: Literal["button"]
    sub_type: Text = Field(description="As the template has it: `quick_reply`, `url`, `copy_code`, `flow` …")
    index: Place
    parameters: Annotated[list[ButtonParameter], entries()] | None = None


def _each_once(components: Sequence[Any]) -> Sequence[Any]:
    places = [(one.type, getattr(one, "index", None)) for one in components]
    if len(set(places)) < len(places):
        raise problem("two fill the same place")
    return components


CardComponent = Annotated[
    Annotated[HeaderComponent, Tag("<header>")]
    | Annotated[BodyComponent, Tag("<body>")]
    | Annotated[ButtonComponent, Tag("<button>")],
    by_type("header", "body", "button"),
]


class Card(Part):
    """What fills one card; `card_index` says which."""

    card_index: Place
    components: Annotated[list[CardComponent], entries(), AfterValidator(_each_once)]


class CarouselComponent(Part):
    """What fills the cards of a carousel."""

    type: Literal["carousel"]
    cards: Annotated[
        list[Card],
        entries(least=1),
        unlike("card_index", lambda card: card.card_index),
    ]


Component = Annotated[
    Annotated[HeaderComponent, Tag("<header>")]
    | Annotated[BodyComponent, Tag("<body>")]
    | Annotated[ButtonComponent, Tag("<button>")]
    | Annotated[CarouselComponent, Tag("<carousel>")],
    by_type("header", "body", "button", "carousel"),
]


class TemplatePart(Part):
    """A message whose words Meta has approved before; the only kind outside the 24-hour window."""

    name: Annotated[str, most(NAME_LIMIT), Clean, AfterValidator(_template_name)]
    language: TemplateLanguage
    components: Annotated[list[Component], entries(), AfterValidator(_each_once)] | None = None
