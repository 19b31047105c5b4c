"""The one family of exceptions that Holdfast raises on purpose: each says what happened and what to do.

The API renders them as RFC 9457 problems, activities let only these out; anything else is a defect and becomes an
error id with its details in `error_reports`. Each `code` has a heading in docs/errors.md.
"""

import math
from datetime import datetime, timedelta
from uuid import UUID


class HoldfastError(Exception):
    """Something a caller can do something about."""

    code = "error"
    http_status = 500
    next_step = "Look up the error id in the log and in error_reports."

    def __init__(self, detail: str, *, next_step: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        if next_step is not None:
            self.next_step = next_step


class NotFoundError(HoldfastError):
    """The id names nothing that this organization has."""

    code = "not_found"
    http_status = 404
    next_step = "Check the id; lists show what exists."


class InvalidRequestError(HoldfastError):
    """The request cannot be carried out as it stands."""

    code = "invalid_request"
    http_status = 422
    next_step = "Correct the named field and send it again."


class ConflictError(HoldfastError):
    """What is asked for contradicts what is already there."""

    code = "conflict"
    http_status = 409
    next_step = "Read the present state, then decide."


class MergedError(HoldfastError):
    """What is asked for was merged into another, `merged_into`: two contacts turned out to be one."""

    code = "merged"
    http_status = 410
    next_step = "Use the id that merged_into names from now on."

    def __init__(self, detail: str, *, merged_into: UUID) -> None:
        super().__init__(detail)
        self.merged_into = merged_into


class TemplateRequiredError(ConflictError):
    """The customer has not written for 24 hours: Meta takes nothing but templates."""

    code = "template_required"
    next_step = "Send a template, or wait until the customer writes."


class OptedOutError(ConflictError):
    """The contact wants no marketing messages."""

    code = "opted_out"
    next_step = "Send nothing of the category marketing until they ask for it; utility and authentication may be sent."


class TemplateUnknownError(InvalidRequestError):
    """The number's account has no such template, as far as is known here: Meta may have a newer one."""

    code = "template_unknown"
    next_step = "Look the name and the language up in GET /api/v1/whatsapp/templates; a new one is there after a sync."

    def __init__(self, detail: str, *, waba_row_id: UUID, synced_at: datetime | None) -> None:
        super().__init__(detail)
        self.waba_row_id = waba_row_id
        self.synced_at = synced_at


class TemplateUnusableError(ConflictError):
    """The template exists, and Meta would refuse every message that is sent with it."""

    code = "template_unusable"
    next_step = "Use another template."


class TemplateRefusedError(InvalidRequestError):
    """Meta does not take what was to be made, changed or deleted of a template."""

    code = "template_refused"
    next_step = "Correct the template as Meta says."


class IdempotencyKeyReusedError(InvalidRequestError):
    """The same Idempotency-Key came with two different requests."""

    code = "idempotency_key_reused"
    next_step = "Use a new key for a new request; repeat one unchanged."


class UnauthorizedError(HoldfastError):
    """Nobody knows whom the request speaks for."""

    code = "unauthorized"
    http_status = 401
    next_step = "Send `Authorization: Bearer hf_…` with a key that `holdfast api-keys` made."


class UnavailableError(HoldfastError):
    """A part that is needed does not answer; nothing was done."""

    code = "unavailable"
    http_status = 503
    next_step = "Try again in a moment; /ready says which part is missing."


class FilesUnavailableError(UnavailableError):
    """The place where files are kept does not answer, or takes nothing more."""

    code = "files_unavailable"
    next_step = "Try again in a moment. If it lasts, whoever runs Holdfast looks at MEDIA_URL: space, access, network."


class FileMissingError(HoldfastError):
    """A file is not where it was put."""

    code = "file_missing"
    next_step = "Compare MEDIA_URL with what it was when the file came; restore the folder or bucket from its backup."


class FileTypeError(InvalidRequestError):
    """Meta takes no files of this type."""

    code = "file_type"
    http_status = 415
    next_step = "Say what the file is by Content-Type; docs/media.md lists the types."


class UploadCutError(InvalidRequestError):
    """A file that was being given did not come to its end."""

    code = "upload_cut"
    http_status = 408
    next_step = "Send the whole file again."


class FileWaitingError(ConflictError):
    """A customer's file has not been fetched from Meta yet."""

    code = "file_waiting"
    next_step = "Try again in a moment; GET /api/v1/whatsapp/media/{id} says what it waits for."


class FileLostError(HoldfastError):
    """A file never came, and never will."""

    code = "file_lost"
    http_status = 410
    next_step = "Ask the customer to send it again."


class SettingsError(HoldfastError):
    """A setting is missing or contradicts another; the process does not start."""

    code = "settings"
    next_step = "Correct the setting; docs/settings.md explains it."


class SealingError(HoldfastError):
    """A sealed value cannot be opened: its key is not in the ring or the value is not what was sealed there."""

    code = "sealing"
    next_step = "Put the key it was sealed with back into SEALING_KEYS."


class MetaUnavailableError(HoldfastError):
    """Meta refused for the moment, or did not answer: it is tried again by itself."""

    code = "meta_unavailable"
    http_status = 503
    next_step = "Wait: it is tried again by itself. If it lasts, see Meta's status page."


class NotWaitedForError(ConflictError):
    """An answer came that the onboarding does not wait for."""

    code = "not_waited_for"
    next_step = "Read the onboarding: it says what it waits for, if it does."


class NotUndecidedError(ConflictError):
    """A decision came about a message whose outcome is not unknown, or not any more."""

    code = "not_undecided"
    next_step = "Read the message: its story says what became of it."


class OutcomeAwaitedError(ConflictError):
    """A decision came while a status of Meta's may still tell what became of the message."""

    code = "outcome_awaited"
    next_step = "Wait until then: most outcomes tell themselves."


class NumberTakenError(ConflictError):
    """Another organization holds this number."""

    code = "number_taken"
    next_step = "Disconnect the number there first; its owner has to do that."


class ForbiddenError(HoldfastError):
    """Who asks is known and may not do this."""

    code = "forbidden"
    http_status = 403
    next_step = "Ask an owner of the organization."


class TooManyAttemptsError(HoldfastError):
    """Somebody tried too often; nothing was looked at this time."""

    code = "too_many_attempts"
    http_status = 429
    next_step = "Wait, then try again."

    def __init__(self, wait: timedelta) -> None:
        minutes = max(1, math.ceil(wait.total_seconds() / 60))
        super().__init__(
            "Too many attempts failed lately.",
            next_step=f"Try again in {minutes} {'minute' if minutes == 1 else 'minutes'}.",
        )
        self.wait = wait


class NumberHeldError(ConflictError):
    """The number is held: Meta would refuse what is asked for, or has just done so."""

    code = "number_held"
    next_step = "Look at the number's state and findings: they say what helps."


class TooLargeError(InvalidRequestError):
    """More came than is taken."""

    code = "too_large"
    http_status = 413
    next_step = "Send less: the detail names the limit."


class TokenInvalidError(InvalidRequestError):
    """Meta does not take this access token."""

    code = "token_invalid"
    next_step = "Make a new token (Business settings, System users) and enter that one."


class WrongAppError(InvalidRequestError):
    """The access token belongs to another app of Meta's than ours."""

    code = "wrong_app"
    next_step = "Make the token for our app: choose it when the token is generated."


class MissingPermissionError(InvalidRequestError):
    """The access token lacks a permission that sending and receiving need."""

    code = "missing_permission"
    next_step = "Make the token with whatsapp_business_management and whatsapp_business_messaging."


class WrongSignatureError(HoldfastError):
    """What says that it comes from Meta is not signed by our app's secret."""

    code = "wrong_signature"
    http_status = 403
    next_step = "Compare META_APP_SECRET with the app's secret in Meta's dashboard."
