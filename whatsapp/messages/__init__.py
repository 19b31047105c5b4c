"""Outbound messages: what we store, checked, and made into the JSON that Graph takes."""

from whatsapp.messages.content import CONTEXT, PARTS, Content, validate_content
from whatsapp.messages.payloads import Recipient, payload, read_receipt, text
from whatsapp.messages.plain import TEXT_LIMIT

__all__ = [
    "CONTEXT",
    "PARTS",
    "TEXT_LIMIT",
    "Content",
    "Recipient",
    "payload",
    "read_receipt",
    "text",
    "validate_content",
]
