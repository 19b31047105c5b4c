"""How an onboarding can end without a number, or be refused one: the one table of codes, words and next steps.

Each code has a heading in docs/errors.md. The same codes stand in redirect OAuth's `whatsapp_error`.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Ending:
    """Why it ended, and what helps. What is special to one case (which scope, which number) stands with the step."""

    says: str
    next_step: str


_AGAIN = "Start again: sign in at Meta once more."
_APP = "Whoever runs Holdfast compares META_APP_ID, META_APP_SECRET and META_CONFIG_ID with the app at Meta."

ENDINGS: dict[str, Ending] = {
    "code_expired": Ending("Meta's code came too late: it is valid for 30 seconds.", _AGAIN),
    "code_used": Ending("Meta's code had been used before.", _AGAIN),
    "code_lost": Ending("The code was sent to Meta and no usable answer came; a code works only once.", _AGAIN),
    "code_refused": Ending("Meta did not accept the code.", f"{_AGAIN} If it happens again: {_APP}"),
    "wrong_app": Ending("The access token belongs to another app.", _APP),
    "token_invalid": Ending("Meta says that the access token is not valid, or no longer.", _AGAIN),
    "missing_permission": Ending(
        "The access token lacks a permission.",
        "Start again and grant all that Meta asks for. If it is missing again, the app's configuration at Meta has to "
        "ask for it.",
    ),
    "app_refused": Ending("Meta does not accept Holdfast's app.", _APP),
    "no_waba": Ending(
        "This sign-in gives access to no WhatsApp Business account.",
        "Start again and choose, or create, a WhatsApp Business account in Meta's window.",
    ),
    "no_number": Ending(
        "The WhatsApp Business account has no phone number.",
        "Add one in WhatsApp Manager (Account tools, Phone numbers), or start again and add it in Meta's window.",
    ),
    "other_number": Ending(
        "This sign-in does not give access to the number that is to be connected again.",
        "Start again and choose the same WhatsApp Business account and number as before.",
    ),
    "number_taken": Ending(
        "Another organization has this number connected.",
        "Its owner has to disconnect it there first; then start again.",
    ),
    "onboarding_running": Ending(
        "This number is being connected already.", "Go on with that onboarding, or cancel it and start again."
    ),
    "gave_up_waiting": Ending("Nobody answered in time.", "Start again whenever you like."),
    "cancelled": Ending("It was cancelled.", "Start again whenever you like."),
    "disconnected": Ending("The number was disconnected meanwhile.", "Start again to connect it."),
}
"""By code; `onboardings.error_code` and `StepOutcome.code` hold nothing else."""
