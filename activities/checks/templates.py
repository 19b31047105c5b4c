"""The templates of a number's account, read anew: with each check, since webhooks about them may be lost."""

from activities.checks.meta import Meta, failed
from store import template_sync
from store.checks import NumberToCheck
from store.engine import Database


async def read_templates(database: Database, meta: Meta, number: NumberToCheck, token: str) -> None:
    """Bring our rows in line with Meta's list; keep why, where Meta does not show it.

    Raises:
        MetaUnavailableError: it passes by itself: the check is repeated.
    """
    sync = await template_sync.begin(database, organization_id=number.organization_id, waba_id=number.waba_id)
    told = await meta.templates.of_account(number.waba_id, token)
    if isinstance(told, list):
        await template_sync.record(database, sync, told)
        return
    _, verdict = failed(told)
    await template_sync.note_failure(database, sync, f"Meta does not show the templates: {verdict.meaning}")
