"""Messages that the customer answers by a tap: buttons, a list, a link, a flow, and two requests."""

from collections.abc import Sequence
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, Tag, model_validator

from whatsapp.messages.fields import (
    Clean,
    JsonObject,
    ObjectId,
    Part,
    Text,
    WebAddress,
    by_type,
    listed,
    most,
    problem,
    unlike,
)
from whatsapp.messages.media import FilePart, NamedFilePart

ROWS_MOST = 10
"""Rows of a list, over all its sections."""


class InteractiveBody(Part):
    """What it says."""

    text: Annotated[str, most(1024), Clean]


class ListBody(Part):
    """What a list says."""

    text: Annotated[str, most(4096), Clean]


class Footer(Part):
    """Small words below."""

    text: Annotated[str, most(60), Clean]


class TextHeader(Part):
    """Words above."""

    type: Literal["text"]
    text: Annotated[str, most(60), Clean]


class ImageHeader(Part):
    """A picture above."""

    type: Literal["image"]
    image: FilePart


class VideoHeader(Part):
    """A film above."""

    type: Literal["video"]
    video: FilePart


class DocumentHeader(Part):
    """A document above."""

    type: Literal["document"]
    document: NamedFilePart


Header = Annotated[
    Annotated[TextHeader, Tag("<text>")]
    | Annotated[ImageHeader, Tag("<image>")]
    | Annotated[VideoHeader, Tag("<video>")]
    | Annotated[DocumentHeader, Tag("<document>")],
    by_type("text", "image", "video", "document"),
]


class Reply(Part):
    """What a button shows, and the id that comes back when it is tapped."""

    id: Annotated[str, most(256), Clean]
    title: Annotated[str, most(20), Clean]


class ReplyButton(Part):
    """A button."""

    type: Literal["reply"]
    reply: Reply


class ReplyButtons(Part):
    """Up to three buttons; their titles and ids are unlike."""

    buttons: Annotated[
        list[ReplyButton],
        Field(min_length=1, max_length=3),
        unlike("reply.id", lambda button: button.reply.id),
        unlike("reply.title", lambda button: button.reply.title),
    ]


class ButtonsMessage(Part):
    """Buttons: `button_reply` comes back."""

    type: Literal["button"]
    header: Header | None = None
    body: InteractiveBody
    footer: Footer | None = None
    action: ReplyButtons


class ListRow(Part):
    """A choice, and the id that comes back when it is made."""

    id: Annotated[str, most(200), Clean]
    title: Annotated[str, most(24), Clean]
    description: Annotated[str, most(72), Clean] | None = None


class ListSection(Part):
    """Choices under one title."""

    title: Annotated[str, most(24), Clean] | None = Field(default=None, description="Needed where there are several.")
    rows: Annotated[list[ListRow], Field(min_length=1, max_length=ROWS_MOST)]


def _rows_in_all(sections: Sequence[ListSection]) -> Sequence[ListSection]:
    rows = [row for section in sections for row in section.rows]
    if len(rows) > ROWS_MOST:
        raise problem(f"have {len(rows)} rows in all, {ROWS_MOST} at most")
    if len({row.id for row in rows}) < len(rows):
        raise problem("two rows have the same id, each needs its own")
    if len(sections) > 1 and any(section.title is None for section in sections):
        raise problem("where there are several, each needs a title")
    return sections


class ListAction(Part):
    """The button that opens the list, and what it shows: 10 rows in all."""

    button: Annotated[str, most(20), Clean]
    sections: Annotated[list[ListSection], Field(min_length=1, max_length=10), AfterValidator(_rows_in_all)]


class ListMessage(Part):
    """A list of up to ten choices: `list_reply` comes back."""

    type: Literal["list"]
    header: TextHeader | None = None
    body: ListBody
    footer: Footer | None = None
    action: ListAction


class LinkButton(Part):
    """What the button shows and where it leads."""

    display_text: Annotated[str, most(20), Clean]
    url: WebAddress


class LinkAction(Part):
    """A button with a link."""

    name: Literal["cta_url"]
    parameters: LinkButton


class LinkMessage(Part):
    """One button that leads to a web address; nothing comes back."""

    type: Literal["cta_url"]
    header: Header | None = None
    body: InteractiveBody
    footer: Footer | None = None
    action: LinkAction


class FlowScreen(Part):
    """Where the flow begins, and with what."""

    screen: Text
    data: JsonObject | None = None


class FlowParameters(Part):
    """Which flow, and how it begins."""

    flow_message_version: Literal["3"]
    flow_id: ObjectId | None = None
    flow_name: Text | None = None
    flow_cta: Text = Field(description="What the button shows.")
    flow_token: Text | None = Field(default=None, description="Yours: it comes back with the answer.")
    flow_action: Literal["navigate", "data_exchange"] | None = None
    flow_action_payload: FlowScreen | None = None
    mode: Literal["draft", "published"] | None = Field(
        default=None, description="`draft`: to try a flow that is not published."
    )

    @model_validator(mode="after")
    def _is_named_once(self) -> Self:
        if (self.flow_id is None) == (self.flow_name is None):
            raise problem("must have exactly one of flow_id and flow_name")
        return self


class FlowAction(Part):
    """A button that opens a flow."""

    name: Literal["flow"]
    parameters: FlowParameters


class FlowMessage(Part):
    """A form that Meta shows: `nfm_reply` comes back."""

    type: Literal["flow"]
    header: Header | None = None
    body: InteractiveBody
    footer: Footer | None = None
    action: FlowAction


class LocationRequestAction(Part):
    """A button that sends where the customer is."""

    name: Literal["send_location"]


class LocationRequest(Part):
    """Asks where the customer is: a `location` comes back."""

    type: Literal["location_request_message"]
    body: InteractiveBody
    action: LocationRequestAction


class ContactInfoAction(Part):
    """A button that gives the phone number."""

    name: Literal["request_contact_info"]


class ContactInfoRequest(Part):
    """Asks for the customer's phone number, which a user id hides: `contacts` come back."""

    type: Literal["request_contact_info"]
    body: InteractiveBody
    action: ContactInfoAction


SENT = ("button", "list", "cta_url", "flow", "location_request_message", "request_contact_info")
NOT_SENT = frozenset({
    "address_message", "call_permission_request", "carousel", "catalog_message", "order_details", "order_status",
    "product", "product_list", "voice_call",
})  # fmt: skip
"""Meta's other kinds: of products, orders, addresses and calls, with rules that are not checked here."""


def _is_sent(given: Any) -> Any:
    kind = given.get("type") if isinstance(given, dict) else None
    if isinstance(kind, str) and kind in NOT_SENT:
        raise problem(
            f"{kind} is a kind that Holdfast does not send; {listed(SENT)} are sent. "
            "Lead to it by a cta_url's link, or by a template with such a button"
        )
    return given


InteractivePart = Annotated[
    Annotated[
        Annotated[ButtonsMessage, Tag("<button>")]
        | Annotated[ListMessage, Tag("<list>")]
        | Annotated[LinkMessage, Tag("<cta_url>")]
        | Annotated[FlowMessage, Tag("<flow>")]
        | Annotated[LocationRequest, Tag("<location_request_message>")]
        | Annotated[ContactInfoRequest, Tag("<request_contact_info>")],
        by_type(*SENT),
    ],
    BeforeValidator(_is_sent),
]
