"""What a page shows of connected numbers; of secrets no more than a token's last four characters."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from store.engine import Database
from store.errors import NotFoundError
from store.paging import Keyset, Page, PageRequest
from store.tables import integrations, wabas

_ORDER = Keyset("integrations", integrations.c.created_at, integrations.c.id)


@dataclass(frozen=True, slots=True)
class TokenShown:
    """What may be seen of an access token."""

    last4: str | None
    type: str | None
    expires_at: datetime | None
    """Null: never."""
    scopes: list[str]


@dataclass(frozen=True, slots=True)
class Integration:
    """One number that is, or was, connected."""

    id: UUID
    agent_flow_id: UUID
    waba_id: str
    waba_name: str | None
    business_id: str | None
    phone_number: str
    phone_number_id: str
    verified_name: str | None
    state: str
    """`connecting`, `live`, `held`, `stopped` or `disconnected`."""
    state_reason: str | None
    state_since: datetime | None
    enabled: bool
    """The owner's own switch."""
    token: TokenShown | None
    unknown_policy: str
    stop_words: dict[str, dict[str, list[str]]] | None
    """By language, what stops marketing and lets it come again; null: the words that are known everywhere."""
    files_in_order: bool
    """What follows a file waits for its `delivered`, at most 5 s."""
    coexistence: bool
    """The number is used in the WhatsApp Business app too."""
    callback_url: str | None
    number_status: str | None
    """As Meta last told, like the next three; new values come without notice."""
    quality: str | None
    messaging_limit: str | None
    throughput: str | None
    checked_at: datetime | None
    subscribed_at: datetime | None
    created_at: datetime
    disconnected_at: datetime | None
    unsubscribe_says: str | None
    """Of a disconnected number: what became of our app's subscription to its account, as far as it was to end."""


async def list_integrations(
    database: Database, organization_id: UUID, wanted: PageRequest, *, disconnected: bool = False
) -> Page[Integration]:
    """The organization's numbers, the latest first; with `disconnected`, those that were connected once as well."""
    query = _query(organization_id)
    if not disconnected:
        query = query.where(integrations.c.state != "disconnected")
    async with database.transaction() as connection:
        return await _ORDER.page(connection, query, wanted, make=_integration)


async def read_integration(database: Database, organization_id: UUID, integration_id: UUID) -> Integration:
    """One number.

    Raises:
        NotFoundError: the organization has none of this id.
    """
    async with database.transaction() as connection:
        query = _query(organization_id).where(integrations.c.id == integration_id)
        row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("This organization has no such integration.")
    return _integration(row)


def _query(organization_id: UUID) -> Select[Any]:
    return (
        select(
            integrations,
            wabas.c.name.label("waba_name"),
            wabas.c.business_id,
            wabas.c.subscribed_at,
            wabas.c.unsubscribe_says,
        )
        .join(wabas, wabas.c.id == integrations.c.waba_row_id)
        .where(integrations.c.organization_id == organization_id)
    )


def _integration(row: Any) -> Integration:
    return Integration(
        id=row["id"],
        agent_flow_id=row["agent_flow_id"],
        waba_id=row["waba_id"],
        waba_name=row["waba_name"],
        business_id=row["business_id"],
        phone_number=row["phone_number"],
        phone_number_id=row["phone_number_id"],
        verified_name=row["verified_name"],
        state=row["state"],
        state_reason=row["state_reason"],
        state_since=row["state_since"],
        enabled=row["enabled"],
        token=_token(row),
        unknown_policy=row["unknown_policy"],
        stop_words=row["stop_words"],
        files_in_order=row["files_in_order"],
        coexistence=row["coexistence"],
        callback_url=row["callback_url"],
        number_status=row["number_status"],
        quality=row["quality"],
        messaging_limit=row["messaging_limit"],
        throughput=row["throughput"],
        checked_at=row["checked_at"],
        subscribed_at=row["subscribed_at"],
        created_at=row["created_at"],
        disconnected_at=row["disconnected_at"],
        unsubscribe_says=row["unsubscribe_says"] if row["state"] == "disconnected" else None,
    )


def _token(row: Any) -> TokenShown | None:
    if row["access_token_sealed"] is None:
        return None
    return TokenShown(
        last4=row["access_token_last4"],
        type=row["access_token_type"],
        expires_at=row["access_token_expires_at"],
        scopes=list(row["access_token_scopes"] or []),
    )
