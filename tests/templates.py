"""Templates to begin a test with."""

from datetime import timedelta
from typing import Any
from uuid import UUID

from store import template_sync
from store.engine import Database
from store.template_sync import Synced
from tests.rows import Number, change
from whatsapp.templates import TemplateFacts, facts

BODY = {"type": "BODY", "text": "Hello {{1}}, your order {{2}} is on its way."}
NAMED = {"type": "BODY", "text": "Hello {{first_name}}, your order {{order_id}} is on its way."}
_LONG_AGO = (
    "UPDATE templates SET synced_at = synced_at - CAST(:since AS interval)",
    "UPDATE templates SET created_at = created_at - CAST(:since AS interval)",
    "UPDATE wabas SET templates_synced_at = templates_synced_at - CAST(:since AS interval)",
)


def at_meta(name: str = "shipped", language: str = "en_US", **told: Any) -> TemplateFacts:
    """A template as Graph tells of it; its id follows from name and language."""
    number = sum(ord(letter) * 31**place for place, letter in enumerate(name + language)) % 10**15
    template = {
        "id": str(number),
        "name": name,
        "language": language,
        "status": "APPROVED",
        "category": "UTILITY",
        "components": [BODY],
    }
    found = facts(template | told)
    assert found is not None
    return found


async def synced(database: Database, number: Number, *told: TemplateFacts, since: timedelta = timedelta(0)) -> Synced:
    """Have read these of the number's account, that long ago."""
    sync = await template_sync.begin(database, organization_id=number.organization_id, waba_id=number.waba_id)
    done = await template_sync.record(database, sync, told)
    if since:
        for statement in _LONG_AGO:
            await change(database, statement, since=since)
    return done


def message(name: str = "shipped", language: str = "en_US", *values: str, **named: str) -> dict[str, Any]:
    """The content of a template message with parameters for the body."""
    parameters = [{"type": "text", "text": value} for value in values]
    parameters += [{"type": "text", "parameter_name": key, "text": value} for key, value in named.items()]
    components = [{"type": "body", "parameters": parameters}] if parameters else []
    return {"template": {"name": name, "language": {"code": language}, "components": components}}


async def template_row(database: Database, name: str = "shipped", language: str = "en_US") -> Any:
    """One template as it stands."""
    async with database.transaction() as connection:
        found = await connection.exec_driver_sql(
            "SELECT * FROM templates WHERE name = $1 AND language = $2", (name, language)
        )
        return found.one()


async def template_id(database: Database, name: str = "shipped") -> UUID:
    """Its id."""
    found: UUID = (await template_row(database, name)).id
    return found
