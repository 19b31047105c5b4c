"""The app's own subscription: which webhook fields come at all. Its address is that of the deliveries."""

from dataclasses import dataclass, field

FIELDS = (
    "account_alerts",
    "account_review_update",
    "account_update",
    "business_capability_update",
    "history",
    "message_template_components_update",
    "message_template_quality_update",
    "message_template_status_update",
    "messages",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "smb_app_state_sync",
    "smb_message_echoes",
    "template_category_update",
    "user_preferences",
)
OVERRIDABLE = frozenset({"messages", "smb_message_echoes", "smb_app_state_sync", "history"})
"""Of these fields, those that an override of the callback covers; the rest always goes to the app's own address."""


@dataclass(slots=True)
class AppSubscription:
    """What the app subscribed to on the object whatsapp_business_account."""

    active: bool = True
    fields: list[str] = field(default_factory=lambda: list(FIELDS))
    version: str = "v26.0"
    redirect_uris: list[str] = field(default_factory=list)
    """The valid OAuth redirect URIs, compared exactly; empty: any."""
