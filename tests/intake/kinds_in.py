"""Every kind of message that comes in, as Meta writes it: what stands beside `from`, `id` and `timestamp`.

Source: meta-platform facts, section 4.4. docs/messages.md shows these.
"""

from typing import Any

ORIGINAL = "wamid.HBgLNDkxNzAwMDAwMDAxFQIAEhgUM0E"
"""The message that others are about."""
SHA256 = "n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg="
_FILE = {"id": "1013859600285441", "mime_type": "image/jpeg", "sha256": SHA256}
_UNSUPPORTED = {"code": 131051, "title": "Message type unknown", "message": "Message type unknown"}
_CONTEXT = {"context": {"from": "15550001", "id": ORIGINAL}}


def _interactive(kind: str, **reply: Any) -> dict[str, Any]:
    return {"type": "interactive", "interactive": {"type": kind, kind: reply}, **_CONTEXT}


KINDS_IN: dict[str, dict[str, Any]] = {
    "text": {"type": "text", "text": {"body": "Are you open on Sunday?"}},
    "reply": {"type": "text", "text": {"body": "Yes, that one"}, **_CONTEXT},
    "forwarded": {"type": "text", "text": {"body": "Look at this"}, "context": {"frequently_forwarded": True}},
    "about a product": {
        "type": "text",
        "text": {"body": "Is it in stock?"},
        "context": {
            "from": "15550001",
            "id": ORIGINAL,
            "referred_product": {"catalog_id": "1", "product_retailer_id": "RYE"},
        },
    },
    "from an ad": {
        "type": "text",
        "text": {"body": "Tell me more"},
        "referral": {"source_url": "https://fb.me/x", "source_id": "1", "source_type": "ad", "ctwa_clid": "Aff-n8"},
    },
    "image": {"type": "image", "image": {**_FILE, "caption": "My receipt"}},
    "audio": {
        "type": "audio",
        "audio": {"id": "1013859600285442", "mime_type": "audio/mpeg", "sha256": SHA256, "voice": False},
    },
    "voice": {
        "type": "audio",
        "audio": {"id": "1013859600285443", "mime_type": "audio/ogg; codecs=opus", "sha256": SHA256, "voice": True},
    },
    "video": {"type": "video", "video": {"id": "1013859600285444", "mime_type": "video/mp4", "sha256": SHA256}},
    "document": {
        "type": "document",
        "document": {
            "id": "1013859600285445",
            "mime_type": "application/pdf",
            "sha256": SHA256,
            "filename": "order.pdf",
        },
    },
    "sticker": {
        "type": "sticker",
        "sticker": {"id": "1013859600285446", "mime_type": "image/webp", "sha256": SHA256, "animated": False},
    },
    "location": {
        "type": "location",
        "location": {"latitude": 52.37, "longitude": 4.9, "name": "Bakery", "address": "Dam 1"},
    },
    "contacts": {
        "type": "contacts",
        "contacts": [{"name": {"formatted_name": "Bob"}, "phones": [{"phone": "+49 170 2", "wa_id": "491700000002"}]}],
    },
    "shared number": {
        "type": "contacts",
        "contacts": [{"phones": [{"phone": "+49 170 1", "wa_id": "491700000001"}], "origin": "contact_request"}],
    },
    "button reply": _interactive("button_reply", id="yes", title="Yes, please"),
    "list reply": _interactive("list_reply", id="rye", title="Rye bread", description="1 kg"),
    "flow reply": _interactive("nfm_reply", name="flow", body="Sent", response_json='{"day": "Sunday"}'),
    "call permission": _interactive("call_permission_reply", response="accept", response_source="user_action"),
    "reply without its object": {"type": "interactive", **_CONTEXT},
    "button of a template": {"type": "button", "button": {"payload": "STOP", "text": "No more offers"}, **_CONTEXT},
    "reaction": {"type": "reaction", "reaction": {"message_id": ORIGINAL, "emoji": "👍"}},
    "reaction taken back": {"type": "reaction", "reaction": {"message_id": ORIGINAL}},
    "order": {
        "type": "order",
        "order": {
            "catalog_id": "1",
            "text": "For Sunday",
            "product_items": [{"product_retailer_id": "RYE", "quantity": 2, "item_price": 4.5, "currency": "EUR"}],
        },
    },
    "another number": {
        "type": "system",
        "system": {
            "type": "user_changed_number",
            "body": "Ada changed from 491700000001 to 491700000009",
            "wa_id": "491700000009",
            "user_id": "DE.1009",
            "previous_user_id": "DE.1001",
        },
    },
    "another BSUID": {
        "type": "system",
        "system": {
            "type": "user_changed_user_id",
            "body": "Ada has another user id",
            "user_id": "DE.1009",
            "previous_user_id": "DE.1001",
        },
    },
    "another identity": {
        "type": "system",
        "system": {"type": "customer_identity_changed", "body": "User identity changed"},
        "identity": {"acknowledged": True, "created_timestamp": "1697044706", "hash": "xyz"},
    },
    "edit": {
        "type": "edit",
        "edit": {
            "original_message_id": ORIGINAL,
            "message": {"context": {"id": "M0"}, "type": "text", "text": {"body": "Are you open on Monday?"}},
        },
    },
    "edit of a caption": {
        "type": "edit",
        "edit": {
            "original_message_id": ORIGINAL,
            "message": {"type": "image", "image": {**_FILE, "caption": "The right receipt"}},
        },
    },
    "deletion": {"type": "revoke", "revoke": {"original_message_id": ORIGINAL}},
    "unsupported": {"type": "unsupported", "errors": [_UNSUPPORTED], "unsupported": {"type": "poll_creation"}},
    "unsupported, not named": {"type": "unsupported", "errors": [_UNSUPPORTED]},
    "of tomorrow": {"type": "hologram", "hologram": {"frames": [1, 2], "of": {"what": "a cake"}}, "aura": "warm"},
    "of tomorrow, without a name": {"aura": "warm"},
}
FILES = {"image", "audio", "voice", "video", "document", "sticker", "edit of a caption"}
ABOUT_ANOTHER = {"reaction", "reaction taken back", "edit", "edit of a caption", "deletion"}
NOT_ANSWERED = ABOUT_ANOTHER | {"another number", "another BSUID", "another identity"}
