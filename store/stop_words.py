"""The words by which the customers of a number stop marketing: its own, or those that are known everywhere."""

from collections.abc import Mapping
from uuid import UUID

from sqlalchemy import null, update

from store import audit
from store.audit import OURSELVES, By
from store.engine import Database
from store.errors import NotFoundError
from store.tables import integrations


async def set_stop_words(
    database: Database,
    *,
    organization_id: UUID,
    integration_id: UUID,
    words: Mapping[str, Mapping[str, list[str]]] | None,
    actor: By = OURSELVES,
) -> None:
    """Give a number its own words, by language, as `whatsapp.stop_words` has nothing against them; None: the default.

    They hold for what comes from now on.

    Raises:
        NotFoundError: the organization has no such integration.
    """
    statement = (
        update(integrations)
        .where(integrations.c.id == integration_id, integrations.c.organization_id == organization_id)
        .values(stop_words=null() if words is None else {name: dict(lists) for name, lists in words.items()})
    )
    async with database.transaction() as connection:
        if (await connection.execute(statement)).rowcount == 0:
            raise NotFoundError("This organization has no such integration.")
        await audit.note(
            connection,
            organization_id=organization_id,
            action="integration.stop_words_set",
            subject_id=integration_id,
            actor=actor.actor,
            actor_id=actor.actor_id,
            detail={"languages": None if words is None else sorted(words)},
        )
