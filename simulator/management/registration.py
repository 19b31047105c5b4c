"""Registering a number for the Cloud API with its PIN, and taking that back: ten times each in 72 h."""

from simulator.business.standing import PIN_GUESSES, PIN_WAIT, Attempts, Standing
from simulator.management.call import Call, Json
from simulator.management.numbers import check_pin
from simulator.management.objects import number_of
from simulator.refusals import RefusedError


async def register(call: Call) -> Json:
    """Connect a verified number. The PIN of a number with two-step verification must be that PIN; else it becomes it.

    Every call counts, those with a wrong PIN too. A number of the WhatsApp Business app is taken from the app by this.
    """
    standing = number_of(call).standing
    if call.text("messaging_product") != "whatsapp":
        raise RefusedError(100, message="(#100) The parameter messaging_product is required.")
    pin = call.text("pin")
    check_pin(pin)
    _count(standing.registrations, call)
    if standing.code_verification_status != "VERIFIED":
        raise RefusedError(133006, details="Phone number needs to be verified before registering")
    _check_guess(standing, pin, call.world.clock.now())
    standing.pin = pin
    standing.data_localization_region = call.text("data_localization_region") or None
    standing.is_on_biz_app = False
    standing.connect()
    return {"success": True}


async def deregister(call: Call) -> Json:
    """Disconnect a number; one that is used in the WhatsApp Business app too refuses."""
    standing = number_of(call).standing
    _count(standing.deregistrations, call)
    if standing.is_on_biz_app:
        message = "(#100) Deregistration is not possible for a phone number in use with the WhatsApp Business app"
        raise RefusedError(100, message=message)
    if not standing.registered:
        raise RefusedError(133010)
    standing.disconnect()
    return {"success": True}


def _count(attempts: Attempts, call: Call) -> None:
    if not attempts.take(call.world.clock.now()):
        details = "Rate limit hit. Too many registration or deregistration requests: try again in 72 hours"
        raise RefusedError(133016, details=details)


def _check_guess(standing: Standing, pin: str, now: float) -> None:
    guesses = standing.guesses
    if standing.pin is None:
        return
    if now < guesses.locked_until:
        raise RefusedError(133008, details=f"Try again in {int(guesses.locked_until - now) + 1} seconds")
    if guesses.wrong and now < guesses.last_at + standing.pin_interval:
        raise RefusedError(133009, details="The PIN was entered too fast: wait before the next try")
    guesses.last_at = now
    if pin == standing.pin:
        guesses.wrong = 0
        return
    guesses.wrong += 1
    if guesses.wrong >= PIN_GUESSES:
        guesses.wrong, guesses.locked_until = 0, now + PIN_WAIT
        raise RefusedError(133008, details=f"Try again in {int(PIN_WAIT)} seconds")
    raise RefusedError(133005, details="The two-step verification PIN is wrong")
