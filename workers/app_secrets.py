"""The app's secrets of one process, by the settings' names; what Meta refuses is counted and logged for ops."""

import structlog

import telemetry
from settings import MetaSettings
from whatsapp.app_secrets import AppSecrets

log = structlog.get_logger(__name__)


def watched_secrets(meta: MetaSettings) -> AppSecrets:
    """The one set of a process: which of them works, all of its calls learn from any."""
    named = [
        ("META_APP_SECRET", meta.app_secret.get_secret_value()),
        ("META_APP_SECRET_PREVIOUS", meta.app_secret_previous.get_secret_value()),
    ]
    return AppSecrets(named, tell=_tell)


def _tell(setting: str, another_works: bool) -> None:  # noqa: FBT001 - as `app_secrets.Tell` has it
    telemetry.app_secret_refusals.labels(result="another_works" if another_works else "none_works").inc()
    log.error("app_secret.refused", setting=setting, another_works=another_works)
