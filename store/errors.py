"""The one family of exceptions that Holdfast raises on purpose: each says what happened and what to do.

The API renders them as RFC 9457 problems, activities let only these out; anything else is a defect and becomes an
error id with its details in `error_reports`. Each `code` has a heading in docs/errors.md.
"""


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


class TemplateRequiredError(ConflictError):
    """The customer has not written for 24 hours: Meta takes nothing but templates."""

    code = "template_required"
    next_step = "Send a template, or wait until the customer writes."


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


class NumberTakenError(ConflictError):
    """Another organization holds this number."""

    code = "number_taken"
    next_step = "Disconnect the number there first; its owner has to do that."
