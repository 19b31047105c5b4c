"""A number: its fields, its PIN, and its own override of the callback."""

from datetime import UTC, datetime
from typing import Any

from simulator.figures import whole
from simulator.management.call import Call, Json
from simulator.management.health import health_of_number
from simulator.management.objects import choose, number_of
from simulator.management.override import checked_override
from simulator.numbers import Number
from simulator.refusals import RefusedError
from simulator.world import World

DEFAULT_LISTED = ("id", "display_phone_number", "verified_name", "quality_rating")
DEFAULT = ("verified_name", "code_verification_status", *DEFAULT_LISTED[:2], "quality_rating", "platform_type")
PIN_DIGITS = 6


async def read_number(call: Call) -> Json:
    """The fields asked for."""
    row = number_row(call.world, number_of(call))
    return choose(call, row, kind="WhatsAppBusinessPhoneNumber", default=DEFAULT)


async def change_number(call: Call) -> Json:
    """Set the two-step PIN, or override the callback of this number alone; an empty string takes that back."""
    number = number_of(call)
    if "pin" in call.params:
        pin = call.text("pin")
        check_pin(pin)
        number.standing.pin = pin
        return {"success": True}
    configuration = call.params.get("webhook_configuration")
    if not isinstance(configuration, dict):
        raise RefusedError(100, message="(#100) The parameter webhook_configuration is required")
    waba = call.world.assets.wabas[number.waba_id]
    number.standing.override_callback_uri = await checked_override(call, waba, configuration)
    return {"success": True}


def check_pin(pin: str) -> None:
    """Refuse what is not six digits."""
    if len(pin) != PIN_DIGITS or whole(pin) is None:
        raise RefusedError(100, message="(#100) Param pin must be 6 characters long.")


def number_row(world: World, number: Number) -> dict[str, Any]:
    """All fields of a number; None: unset, and left out of answers."""
    standing = number.standing
    waba = world.assets.wabas[number.waba_id]
    callbacks = {
        "phone_number": standing.override_callback_uri,
        "whatsapp_business_account": waba.subscribed.get(world.config.app_id),
        "application": world.deliveries.config.webhook_url or None,
    }
    onboarded = datetime.fromtimestamp(standing.onboarded_at, UTC) if standing.onboarded_at else None
    return {
        "id": number.phone_number_id,
        "display_phone_number": _shown(number),
        "verified_name": standing.verified_name,
        "status": standing.status,
        "name_status": standing.name_status,
        "new_name_status": standing.new_name_status,
        "code_verification_status": standing.code_verification_status,
        "quality_rating": standing.quality_rating,
        "quality_score": {"score": standing.quality_rating},
        "account_mode": standing.account_mode,
        "platform_type": standing.platform_type,
        "throughput": {"level": standing.throughput_level},
        "health_status": health_of_number(world, number),
        "is_on_biz_app": standing.is_on_biz_app,
        "is_pin_enabled": standing.pin is not None,
        "is_official_business_account": standing.is_official_business_account,
        "is_preverified_number": standing.is_preverified_number,
        "webhook_configuration": {level: url for level, url in callbacks.items() if url},
        "last_onboarded_time": onboarded.strftime("%Y-%m-%dT%H:%M:%S+0000") if onboarded else None,
        "country_code": number.country_code,
        "whatsapp_business_manager_messaging_limit": standing.messaging_limit,
        "certificate": None,
        "username": standing.username,
    }


def _shown(number: Number) -> str:
    """With blanks, as Meta prints numbers: who compares must take them out."""
    code, rest = number.country_code, number.display_phone_number[len(number.country_code) :]
    return f"+{code} {rest[:3]} {rest[3:]}".rstrip()
