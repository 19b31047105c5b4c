"""The schema, by subject. Queries live beside it, one module each; migrations are generated from it and checked.

Conventions: ids are UUIDv7 made in Python (`store.ids.new_id`), instants are `timestamptz`, every tenant table carries
`organization_id` and every query names it. `clock_timestamp()` marks instants that are compared under a row lock.
"""

from store.tables.base import metadata
from store.tables.checks import findings
from store.tables.consents import CONSENT_SOURCES, consents
from store.tables.conversations import contact_identities, contacts, conversations, turns
from store.tables.events import event_deliveries, event_endpoints, events
from store.tables.media import media, media_uploads
from store.tables.messages import (
    HOLDS,
    UNKNOWN_POLICIES,
    message_attempts,
    message_decisions,
    message_statuses,
    messages,
    queue_no,
)
from store.tables.numbers import integrations, rate_slots, wabas
from store.tables.onboardings import data_requests, oauth_states, onboarding_steps, onboardings
from store.tables.organizations import agent_flows, api_keys, organizations
from store.tables.people import audit_log, people, sessions, sign_in_attempts
from store.tables.portfolios import portfolio_contacts, portfolios
from store.tables.templates import templates
from store.tables.webhooks import (
    api_processes,
    error_reports,
    webhook_event_organizations,
    webhook_events,
    webhook_gaps,
    webhook_items,
)

__all__ = [
    "CONSENT_SOURCES",
    "HOLDS",
    "UNKNOWN_POLICIES",
    "agent_flows",
    "api_keys",
    "api_processes",
    "audit_log",
    "consents",
    "contact_identities",
    "contacts",
    "conversations",
    "data_requests",
    "error_reports",
    "event_deliveries",
    "event_endpoints",
    "events",
    "findings",
    "integrations",
    "media",
    "media_uploads",
    "message_attempts",
    "message_decisions",
    "message_statuses",
    "messages",
    "metadata",
    "oauth_states",
    "onboarding_steps",
    "onboardings",
    "organizations",
    "people",
    "portfolio_contacts",
    "portfolios",
    "queue_no",
    "rate_slots",
    "sessions",
    "sign_in_attempts",
    "templates",
    "turns",
    "wabas",
    "webhook_event_organizations",
    "webhook_events",
    "webhook_gaps",
    "webhook_items",
]
