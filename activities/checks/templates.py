"""The templates of a number's account, read anew: with each check, since webhooks about them may be lost."""

from datetime import timedelta

from activities.checks.meta import Meta, failed
from store import template_sync
from store.checks import NumberToCheck
from store.engine import Database
from whatsapp.calls import Failure, NotWritten, Refused
from whatsapp.error_table import ErrorClass


async def read_templates(database: Database, meta: Meta, number: NumberToCheck, token: str) -> None:
    """Bring our rows in line with Meta's list; keep why, where Meta does not show it.

    Where a limit on calls is in the way, the check stands without them: repeating it would only ask for more.

    Raises:
        MetaUnavailableError: it passes by itself: the check is repeated.
    """
    sync = await template_sync.begin(database, organization_id=number.organization_id, waba_id=number.waba_id)
    told = await meta.templates.of_account(number.waba_id, token)
    if isinstance(told, list):
        await template_sync.record(database, sync, told)
        return
    limited = _limited(told)
    if limited is not None:
        why, wait = limited
        says = f"Meta does not show the templates now: {why}"
        await template_sync.put_off(database, sync, integration_id=number.id, says=says, wait=wait)
        return
    _, verdict = failed(told)
    await template_sync.note_failure(database, sync, f"Meta does not show the templates: {verdict.meaning}")


def _limited(failure: Failure) -> tuple[str, timedelta] | None:
    """What limit on calls is in the way, and for how long; None: it is something else."""
    match failure:
        case NotWritten(reason=reason, put_off=timedelta() as wait):
            return f"{reason}.", wait
        case Refused(regain_access=told):
            verdict = failure.verdict()
            if verdict.kind == "retry" and verdict.error_class is ErrorClass.THROTTLE:
                return verdict.meaning, told or verdict.back_off.most
    return None
