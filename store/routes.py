"""Whose an item of a webhook is: the number it names, together with the WABA it came through."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection


@dataclass(frozen=True, slots=True)
class Number:
    """A connected number, as far as routing and answering need it."""

    id: UUID
    organization_id: UUID
    waba_id: str
    phone_number_id: str
    state: str
    enabled: bool
    coexistence: bool
    """Used in the WhatsApp Business app too: its past may have been stored before what it received now."""
    is_proving: bool
    """An onboarding waits for the number's first message, or will in a moment."""
    stop_words: str | None
    """As JSON: what stops marketing instead of the words that are known everywhere."""

    @property
    def is_live(self) -> bool:
        """Not in the middle of being connected: what it receives may be answered now."""
        return self.state != "connecting"


@dataclass(frozen=True, slots=True)
class Routes:
    """The numbers and WABAs that a batch of items named and that are ours."""

    numbers: Mapping[str, Number]
    """By phone_number_id, which Meta gives to one number only."""
    wabas: Mapping[str, tuple[UUID, ...]]
    """The organizations that have numbers of a WABA."""


# Not by EXISTS: Postgres would plan that anew each time, which costs twice the whole statement (0.2 ms).
_NUMBERS = """
    SELECT id, organization_id, waba_id, phone_number_id, state, enabled, coexistence,
           id = ANY(ARRAY(SELECT o.integration_id FROM onboardings o
                          WHERE o.step IN ('activate', 'prove') AND o.ended_at IS NULL
                            AND o.integration_id IS NOT NULL)) AS is_proving,
           CAST(stop_words AS text) AS stop_words
    FROM integrations WHERE phone_number_id = ANY(CAST(:phone_number_ids AS text[])) AND state <> 'disconnected'
"""
_READ_NUMBERS = text(_NUMBERS)
_LOCK_NUMBERS = text(_NUMBERS + " ORDER BY id FOR SHARE")
_READ_WABAS = text("""
    SELECT waba_id, array_agg(organization_id ORDER BY organization_id) FROM wabas
    WHERE waba_id = ANY(CAST(:waba_ids AS text[])) GROUP BY waba_id
""")


async def read_routes(
    connection: AsyncConnection, *, phone_number_ids: Collection[str], waba_ids: Collection[str]
) -> Routes:
    """Look up what is ours of these.

    A number that is being connected or is switched off stays so until the transaction ends: whoever activates it finds
    everything that was stored for it before.
    """
    numbers = await _numbers(connection, phone_number_ids)
    wabas: dict[str, tuple[UUID, ...]] = {}
    if waba_ids:
        rows = await connection.execute(_READ_WABAS, {"waba_ids": sorted(waba_ids)})
        wabas = {waba_id: tuple(owners) for waba_id, owners in rows}
    return Routes(numbers, wabas)


async def _numbers(connection: AsyncConnection, phone_number_ids: Collection[str]) -> dict[str, Number]:
    if not phone_number_ids:
        return {}
    rows = await connection.execute(_READ_NUMBERS, {"phone_number_ids": sorted(phone_number_ids)})
    numbers = {row.phone_number_id: Number(*row) for row in rows}
    unusual = sorted(key for key, number in numbers.items() if not (number.is_live and number.enabled))
    if unusual:
        locked = await connection.execute(_LOCK_NUMBERS, {"phone_number_ids": unusual})
        numbers |= {row.phone_number_id: Number(*row) for row in locked}
    return numbers
