"""What the owner of something asks of each route that OpenAPI lists, and what the answers show of it."""

from typing import Any
from uuid import UUID

from api.app import create_app
from store.engine import Database
from tests.api.edge import WEBHOOK, Tenant, settings_for
from tests.files import PDF
from tests.templates import BODY

# Nothing is asked of this address: only the routes are looked at.
_NOWHERE = "postgresql+asyncpg://nobody@127.0.0.1:1/nothing"
_OPEN = {
    "/health",
    "/ready",
    "/metrics",
    "/webhooks/whatsapp",
    "/api/whatsapp/webhook",
    "/api/v1/whatsapp/webhook",
    WEBHOOK,
    "/api/whatsapp/oauth/callback",
    "/api/v1/whatsapp/oauth/callback",
    "/api/v1/whatsapp/deauthorize",
    "/api/v1/whatsapp/data-deletion",
    "/api/v1/whatsapp/data-deletion/{confirmation_code}",
}
"""Routes that speak for no organization and need no key."""


def _operations() -> list[tuple[str, str]]:
    app = create_app(settings_for(_NOWHERE), database=Database.connect(_NOWHERE))
    paths = app.openapi()["paths"]
    return [(method, path) for path, methods in paths.items() if path not in _OPEN for method in methods]


OPERATIONS = _operations()
Body = dict[str, Any] | bytes | None


def place_of(path: str, owner: Tenant) -> str:
    """The path with the owner's ids. A parameter nobody has thought of here fails the test: add it."""
    ids = {
        "conversation_id": owner.conversation_id,
        "contact_id": owner.contact_id,
        "message_id": owner.message_id,
        "integration_id": owner.number.integration_id,
        "onboarding_id": owner.onboarding_id,
        "endpoint_id": own_id(owner),
        "delivery_id": own_id(owner),
        "media_id": own_id(owner),
        "template_id": own_id(owner),
    }
    if path.endswith(("/resend", "/give-up")):
        ids["message_id"] = own_id(owner)
    asked = {"authorize": f"?agent_flow_id={owner.number.agent_flow_id}", "contacts/consent": f"?to=%2B{owner.wa_id}"}
    return path.format(**ids) + next((query for end, query in asked.items() if path.endswith(f"/{end}")), "")


def own_id(owner: Tenant) -> UUID:
    """Of an owner's endpoint, its delivery, file, template and undecided message: each bears the organization's id."""
    return owner.organization_id


def bodies(method: str, path: str, owner: Tenant) -> list[Body]:
    """Requests that the owner could make. A route that is not listed is called without a body."""
    return _requests(owner).get((method, path.removeprefix("/api/v1")), [None])


def _requests(owner: Tenant) -> dict[tuple[str, str], list[Body]]:
    flow, number = str(owner.number.agent_flow_id), owner.number
    targets = (
        {"conversation_id": str(owner.conversation_id)},
        {"contact_id": str(owner.contact_id)},
        {"to": owner.wa_id},
        {"user_id": "DE.15550001"},
    )
    added = {
        "organization_id": str(owner.organization_id),
        "agent_flow_id": flow,
        "phone_number": number.phone_number,
        "phone_number_id": number.phone_number_id,
        "waba_id": number.waba_id,
        "access_token": "a token",
    }
    template = {"name": "shipped", "language": "en_US", "category": "UTILITY", "components": [BODY]}
    onboarding = "/whatsapp/onboardings/{onboarding_id}"
    return {
        ("post", "/whatsapp/send-message"): [{"text": {"body": "mine"}} | target for target in targets],
        ("post", "/whatsapp/send-proactive-message"): [
            {"to": f"+{owner.wa_id}", "template": {"name": "mine", "language": {"code": "en"}}} | named
            for named in ({"integration_id": str(number.integration_id)}, {"phone_number_id": number.phone_number_id})
        ],
        ("put", "/whatsapp/contacts/consent"): [
            {"to": f"+{owner.wa_id}", "choice": "stop", "told_at": "2026-11-20T14:05:00Z"}
        ],
        ("put", "/whatsapp/contacts/{contact_id}/consent"): [{"choice": "stop"}],
        ("post", "/whatsapp/onboardings"): [{"code": "a code", "agent_flow_id": flow}],
        ("post", f"{onboarding}/number"): [{"phone_number_id": number.phone_number_id}],
        ("post", f"{onboarding}/pin"): [{"pin": "123456"}],
        ("post", f"{onboarding}/proof"): [{"declined": True}],
        ("post", "/channels/whatsapp/integrations"): [added],
        ("put", "/channels/whatsapp/integrations/{integration_id}"): [
            {"enabled": False},
            {"access_token": "a token"},
            {"unknown_policy": "give_up"},
            {"stop_words": {}},
            {"files_in_order": True},
        ],
        ("put", "/channels/whatsapp/integrations/{integration_id}/profile"): [{"about": "mine"}],
        ("post", "/whatsapp/media"): [PDF],
        ("post", "/whatsapp/templates"): [template | {"waba_id": number.waba_id}],
        ("put", "/whatsapp/templates/{template_id}"): [{"components": [BODY]}],
        ("post", "/whatsapp/templates/sync"): [{"waba_id": number.waba_id}],
        ("post", "/whatsapp/messages/{message_id}/resend"): [{"attempt": 1}, None],
        ("post", "/whatsapp/messages/{message_id}/give-up"): [{"attempt": 1}, None],
        ("post", "/agent-flows"): [{"name": "mine", "kind": "echo"}],
        ("post", "/event-endpoints"): [{"url": "https://mine.example.com"}],
        ("put", "/event-endpoints/{endpoint_id}"): [{"url": "https://mine.example.com"}],
    }


def secrets(owner: Tenant) -> list[str]:
    """What an answer shows only to whom it belongs."""
    number = owner.number
    ids = [number.integration_id, number.agent_flow_id, owner.onboarding_id]
    ids += [owner.conversation_id, owner.contact_id, owner.message_id, own_id(owner)]
    return [
        *map(str, ids),
        owner.wa_id,
        number.phone_number_id,
        number.phone_number,
        number.waba_id,
        "secret of 15550001",
    ]
