"""WhatsApp business accounts, which numbers belong to."""

from uuid import UUID

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert as upsert
from sqlalchemy.ext.asyncio import AsyncConnection

from store.ids import new_id
from store.tables import wabas


async def find_waba(
    connection: AsyncConnection, organization_id: UUID, *, waba_id: str, business_id: str | None
) -> UUID:
    """The organization's row of an account, made when it is new."""
    statement = upsert(wabas).values(
        id=new_id(), organization_id=organization_id, waba_id=waba_id, business_id=business_id
    )
    known = statement.on_conflict_do_update(
        index_elements=["organization_id", "waba_id"],
        set_={"business_id": func.coalesce(statement.excluded.business_id, wabas.c.business_id)},
    )
    waba_row_id: UUID = (await connection.execute(known.returning(wabas.c.id))).scalar_one()
    return waba_row_id
