"""Meta's limits on management calls, as one process sees them: what paces its calls shows in its metrics."""

import telemetry
from whatsapp.pacing import Pacing


def watched_pacing() -> Pacing:
    """The one pacing of a process."""
    pacing = Pacing(on_put_off=telemetry.management_calls_put_off.inc)
    telemetry.management_usage.labels(limit="app").set_function(lambda: pacing.used(app=True))
    telemetry.management_usage.labels(limit="account").set_function(lambda: pacing.used(app=False))
    return pacing
