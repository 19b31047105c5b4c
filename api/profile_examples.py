"""Examples for OpenAPI of profiles."""

from typing import Any

PROFILE: dict[str, Any] = {
    "about": "Bread since 1902",
    "address": "Keizersgracht 1, Amsterdam",
    "description": "Sourdough, cakes, and coffee from seven to six.",
    "email": "hello@bakery.example.com",
    "vertical": "RESTAURANT",
    "websites": ["https://bakery.example.com"],
    "picture_url": "https://pps.whatsapp.net/v/t61.24694-24/417.jpg",
}
