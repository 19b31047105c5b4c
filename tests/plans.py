"""What a look at a conversation decides."""

from uuid import UUID

from store.engine import Database
from store.turn_plan import Plan, Rules
from store.turns import look


async def plan_of(database: Database, conversation_id: UUID, *, rules: Rules | None = None) -> Plan:
    """The plan of a look that found something to do, by these rules or those we ship."""
    found = await look(database, conversation_id, rules=rules or Rules())
    assert found is not None
    return found[1]
