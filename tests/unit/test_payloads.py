"""Collected bodies of the real platform, where their folder is (`--payloads DIR`)."""

from collections.abc import Iterator
from pathlib import Path

from whatsapp.events import Echo, InboundMessage, Item, MarketingChoice, Notice, Status
from whatsapp.parsing import parse
from whatsapp.words import in_words

_EVENTS = {
    "InboundMessage button": ("Button_Message callback_button.quick_reply callback_button.quick_reply_without_context"),
    "InboundMessage contacts": "Contact_Sharing_Message message.contacts",
    "Notice group_lifecycle_update": "Group_Create_Message",
    "Notice group_participants_update": "Group_Remove_Participants",
    "Notice group_settings_update": "Group_Settings_Update",
    "InboundMessage image": "Image_Message message.image message.media_with_url",
    "InboundMessage interactive": (
        "Interactive_Button_Reply_Message Interactive_List_Reply_Message call_permission_update.accept "
        "call_permission_update.reject callback_button.button callback_selection.callback "
        "callback_selection.description flow_completion.completion flow_completion.without_flow_token"
    ),
    "InboundMessage location": "Location_Message message.chosen_location message.current_location",
    "InboundMessage order": "Order_Message message.order",
    "InboundMessage reaction": (
        "Reaction_Message message.reaction message.unreaction_empty message.unreaction_no_emoji"
    ),
    "InboundMessage system": "System_Message system.identity_change system.phone_number_change",
    "InboundMessage text": (
        "Text_Message Text_Message_from_Click_to_WhatsApp_Ad Text_Message_with_Context_Product_Inquiry_ "
        "message.forwarded message.forwarded_many_times message.referral message.reply message.text"
    ),
    "InboundMessage unsupported": "Unsupported_Message message.unsupported message.unsupported_with_type",
    "AccountUpdate account_update.ACCOUNT_DELETED": "account_update.account_deleted",
    "AccountUpdate account_update.DISABLED_UPDATE": "account_update.account_disabled",
    "AccountUpdate account_update.ACCOUNT_OFFBOARDED": "account_update.account_offboarded",
    "AccountUpdate account_update.ACCOUNT_RECONNECTED": "account_update.account_reconnected",
    "AccountUpdate account_update.ACCOUNT_RESTRICTION": "account_update.account_restriction",
    "AccountUpdate account_update.ACCOUNT_VIOLATION": "account_update.account_violation",
    "AccountUpdate account_update.AD_ACCOUNT_LINKED": "account_update.ad_account_linked",
    "AccountUpdate account_update.AUTH_INTL_PRICE_ELIGIBILITY_UPDATE": (
        "account_update.authentication_international_eligibility"
    ),
    "AccountUpdate account_update.MM_LITE_TERMS_SIGNED": "account_update.mm_api_for_wa_terms_of_service",
    "AccountUpdate account_update.PARTNER_ADDED": "account_update.partner_added",
    "AccountUpdate account_update.PARTNER_APP_INSTALLED": "account_update.partner_app_installed",
    "AccountUpdate account_update.PARTNER_APP_UNINSTALLED": "account_update.partner_app_uninstalled",
    "AccountUpdate account_update.PARTNER_CLIENT_CERTIFICATION_STATUS_UPDATE": (
        "account_update.partner_led_business_verification_status"
    ),
    "AccountUpdate account_update.PARTNER_REMOVED": (
        "account_update.partner_removed account_update.partner_removed_wa_app_disconnection"
    ),
    "AccountUpdate account_update.VOLUME_BASED_PRICING_TIER_UPDATE": "account_update.pricing_tiering_update",
    "AccountUpdate account_update.BUSINESS_PRIMARY_LOCATION_COUNTRY_UPDATE": (
        "account_update.primary_business_location_set"
    ),
    "Notice calls.connect": "call_connect.business_initiated call_connect.user_initiated",
    "Notice calls.status": "call_status.call_status",
    "Notice calls.terminate + Notice calls.errors": "call_terminate.call_terminate",
    "InboundMessage revoke": "deleted_message.revoke",
    "InboundMessage edit": "edited_message.image",
    "InboundMessage sticker": "message.animated_sticker message.static_sticker",
    "InboundMessage audio": "message.audio message.voice",
    "InboundMessage document": "message.document",
    "InboundMessage interactive + Notice messages.errors": "message.interactive_message_with_err",
    "InboundMessage video": "message.video",
    "Status delivered": "message_status.delivered",
    "Status failed": "message_status.failed",
    "Status read": "message_status.group message_status.read",
    "Status played": "message_status.played",
    "Status sent": "message_status.sent message_status.with_tracker",
    "Echo revoke": "outgoing_message.delete",
    "Echo edit": "outgoing_message.edit",
    "Echo text": "outgoing_message.text",
    "TemplateCategory template_category_update": "template_category_update.marketing",
    "TemplateComponents message_template_components_update": "template_components_update.element",
    "TemplateQuality message_template_quality_update": "template_quality_update.yellow",
    "TemplateStatus message_template_status_update.APPROVED": "template_status_update.approved",
    "TemplateStatus message_template_status_update.REJECTED": "template_status_update.rejected",
    "MarketingChoice resume": "user_marketing_preferences.resume",
    "MarketingChoice opt_in": "user_marketing_preferences.signup",
}
"""What each body tells, by the names of its events; a file's name begins with where it was collected."""


def test_every_collected_body_is_read_as_the_events_that_it_tells(payloads: Path) -> None:
    bodies = {path.stem: path for path in payloads.glob("*.json")}
    told = {name: event for event, names in _EVENTS.items() for name in names.split()}
    found = {_bare(stem): " + ".join(_names(parse(path.read_bytes()))) for stem, path in bodies.items()}
    assert len(found) == len(bodies)
    assert found == told


def test_every_collected_message_can_be_read_in_words(payloads: Path) -> None:
    items = [item for path in payloads.glob("*.json") for item in parse(path.read_bytes())]
    messages = [item for item in items if isinstance(item, InboundMessage | Echo)]
    assert messages
    unread = [item.type for item in messages if "not shown here" in in_words(item.type, item.content)]
    assert unread == []


def _bare(stem: str) -> str:
    return stem.removeprefix("pywa.").removeprefix("meta-openapi.webhook.")


def _names(items: list[Item]) -> Iterator[str]:
    for item in items:
        match item:
            case InboundMessage() | Echo():
                yield f"{type(item).__name__} {item.type}"
            case Status():
                yield f"Status {item.status}"
            case MarketingChoice():
                yield f"MarketingChoice {item.choice}"
            case Notice():
                yield f"{type(item.change or item).__name__} {item.kind}"
            case _:
                yield f"{type(item).__name__}"
