"""What Meta answered, classified by the one table and recorded on the row."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from store import media_uploads, outcomes, people_answered
from store.claims import Claimed
from store.consequences import Attempted, Trouble
from store.engine import Database
from store.errors import UnavailableError
from store.outcomes import Recorded, Refusal
from store.verdicts import FILE_ANEW, FILE_REFUSED, held_by
from whatsapp.errors import Verdict, is_of_a_file
from whatsapp.graph import Accepted, Answer, Lost, NotWritten, Refused

log = structlog.get_logger(__name__)

_UNREACHED_MOST = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class AnswerRecorder:
    """Turns an answer into a record. `wake`: nobody waits for it, so the conversation is made due with it."""

    database: Database
    unknown_wait: timedelta

    async def record(self, claimed: Claimed, answer: Answer | None, *, wake: bool) -> Recorded:
        """Record `answer`; None means that nothing was posted because the claim had grown old."""
        match answer:
            case None:
                why = "The worker was paused between claim and post; nothing was sent."
                return await outcomes.given_back(self.database, claimed, why=why, wake=wake)
            case Accepted():
                return await self._accepted(claimed, answer, wake=wake)
            case NotWritten(reason=reason):
                return await self._unreached(claimed, reason, wake=wake)
            case Lost(reason=reason):
                refusal = Refusal(None, None, None, "network", reason)
                return await self._unknown(claimed, refusal, why=f"No answer from Meta: {reason}.", wake=wake)
            case Refused():
                return await self._refused(claimed, answer, wake=wake)

    async def _accepted(self, claimed: Claimed, answer: Accepted, *, wake: bool) -> Recorded:
        recorded = await outcomes.accepted(self.database, claimed, answer.wamid, wake=wake)
        # Meta's own name for the number that was written to: it differs in Brazil and Mexico.
        if answer.wa_id not in (None, claimed.wa_id) or answer.user_id not in (None, claimed.user_id):
            await self._learn(claimed, answer)
        return recorded

    async def _learn(self, claimed: Claimed, answer: Accepted) -> None:
        """The send stands, whatever is in the way here: its statuses tell the same names again."""
        try:
            await people_answered.learn(self.database, claimed.message_id, wa_id=answer.wa_id, user_id=answer.user_id)
        except UnavailableError as error:
            log.warning("contact.not_learnt", message_id=str(claimed.message_id), error=type(error).__name__)

    async def _unreached(self, claimed: Claimed, reason: str, *, wake: bool) -> Recorded:
        refusal = Refusal(None, None, None, "network", reason)
        delay = min(timedelta(seconds=2 ** min(claimed.attempt, 6)), _UNREACHED_MOST)
        why = "There was no connection to Meta for it; nothing was sent."
        return await outcomes.requeued(
            self.database, claimed, refusal, hold="back_off", delay=delay, why=why, wake=wake
        )

    async def _refused(self, claimed: Claimed, answer: Refused, *, wake: bool) -> Recorded:
        verdict = answer.verdict()
        refusal = Refusal(
            http_status=answer.http_status,
            code=answer.code,
            subcode=answer.subcode,
            error_class=verdict.error_class,
            detail=answer.detail or answer.title or "",
            fbtrace_id=answer.fbtrace_id,
        )
        why = verdict.in_words
        if verdict.kind == "unknown":
            return await self._unknown(claimed, refusal, why=why, wake=wake)
        of_file = verdict.kind == "permanent" and is_of_a_file(answer.code, refusal.detail)
        if of_file and claimed.meta_media_id is not None:
            return await self._file_refused(claimed, claimed.meta_media_id, refusal, wake=wake)
        refusals = 1
        if verdict.kind == "retry":
            refusals = await outcomes.refusals(self.database, claimed, answer.code)
        trouble = _trouble(claimed, answer, verdict, refusals=refusals)
        if verdict.kind == "permanent":
            return await outcomes.failed(self.database, claimed, refusal, why=why, wake=wake, trouble=trouble)
        held = held_by(verdict, refusals=refusals)
        delay = held.lasts
        if delay is not None and answer.regain_access is not None:
            delay = max(delay, answer.regain_access)
        return await outcomes.requeued(
            self.database, claimed, refusal, hold=held.hold, delay=delay, why=why, wake=wake, trouble=trouble
        )

    async def _file_refused(self, claimed: Claimed, meta_media_id: str, refusal: Refusal, *, wake: bool) -> Recorded:
        """Meta may have forgotten the file before its time: it is uploaded once more before the message fails."""
        await media_uploads.forget(self.database, claimed.integration_id, meta_media_id)
        if await outcomes.refusals(self.database, claimed, refusal.code) > 1:
            return await outcomes.failed(self.database, claimed, refusal, why=FILE_REFUSED, wake=wake)
        return await outcomes.requeued(
            self.database, claimed, refusal, hold="media", delay=None, why=FILE_ANEW, wake=wake
        )

    async def _unknown(self, claimed: Claimed, refusal: Refusal, *, why: str, wake: bool) -> Recorded:
        return await outcomes.lost(self.database, claimed, refusal, unknown_wait=self.unknown_wait, why=why, wake=wake)


def _trouble(claimed: Claimed, answer: Refused, verdict: Verdict, *, refusals: int) -> Trouble:
    return Trouble(
        organization_id=claimed.organization_id,
        integration_id=claimed.integration_id,
        verdict=verdict,
        code=answer.code,
        detail=answer.detail or answer.title,
        source="answer",
        of=Attempted(claimed.message_id, claimed.conversation_id, claimed.attempt, refusals),
    )
