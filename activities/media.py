"""Move one file: a customer's from Meta to where files are kept, one of ours to Meta. Safe to repeat, also at once.

What passes by itself is no failure of the activity: the row says what it waits for and until when, and the look at the
conversation has it moved again.
"""

from dataclasses import dataclass
from uuid import UUID

from temporalio import activity

import telemetry
from activities.fetching_files import Fetching
from activities.heartbeat import heartbeating
from activities.uploading_files import Uploading
from store import media_fetches
from workflows.contracts import FileActivities, FileMoved, MoveFile


@dataclass(frozen=True, slots=True)
class FileMoves(FileActivities):
    """The files that one worker process moves."""

    fetching: Fetching
    uploading: Uploading

    @activity.defn(name="move_file")
    async def move_file(self, command: MoveFile) -> FileMoved:
        """Fetch it if it is a customer's, bring it to Meta if it is ours."""
        media_id, integration_id = UUID(command.media_id), UUID(command.integration_id)
        async with heartbeating():
            if await media_fetches.is_inbound(self.fetching.database, media_id):
                state, why = await self.fetching.fetch(media_id)
            else:
                state, why = await self.uploading.upload(media_id, integration_id)
        telemetry.files_moved.labels(result=state).inc()
        return FileMoved(command.media_id, state, why)
