"""An attempt that has begun ends before a cancellation takes effect.

A step that is cancelled while Meta answers would leave a subscription or a registration that nobody has recorded and
so nobody takes back. Between attempts Temporal cancels at once, without us.
"""

import asyncio
from typing import Any

from temporalio import activity
from temporalio.worker import ActivityInboundInterceptor, ExecuteActivityInput, Interceptor


class WholeAttempts(Interceptor):
    """Put around every activity of a worker whose activities act on somebody else's side."""

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # Temporal's name
        """Temporal's hook."""
        return _Whole(next)


class _Whole(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002  # Temporal's name
        attempt = asyncio.ensure_future(super().execute_activity(input))
        while not attempt.done():
            try:
                await asyncio.wait({attempt})
            except asyncio.CancelledError:
                why = activity.cancellation_details()
                if why is None or not why.cancel_requested:
                    attempt.cancel()  # the worker stops, or Temporal has given this attempt up
        return attempt.result()
