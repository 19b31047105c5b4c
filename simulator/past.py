"""The past of a number that is used in the WhatsApp Business app: its contacts and its history, as webhooks."""

from typing import Any

from simulator.numbers import Number
from simulator.wire import messages_change
from simulator.world import World

_DECLINED = {
    "code": 2593109,
    "title": "History sync is turned off by the business from the WhatsApp Business App",
    "message": "History sync is turned off by the business from the WhatsApp Business App",
    "error_data": {"details": "History sharing is turned off by the business"},
}
_DAY = 86400


def send_past(world: World, number: Number, kind: str, *, values: list[dict[str, Any]] | None = None) -> bool:
    """Send the webhooks of one sync, made up or these; False if the app does not get them."""
    if values is None:
        values = _contacts(world) if kind == "smb_app_state_sync" else _history(world, number)
    return all(world.tell(number, messages_change(number, **value) | {"field": kind}) for value in values)


def _contacts(world: World) -> list[dict[str, Any]]:
    timestamp = str(int(world.clock.now()))
    return [
        {
            "state_sync": [
                {
                    "type": "contact",
                    "contact": {"full_name": name, "first_name": name.split()[0], "phone_number": phone},
                    "action": "add",
                    "metadata": {"timestamp": timestamp},
                }
                for name, phone in (("Mira Vogel", "4915550000101"), ("Jonas Weber", "4915550000102"))
            ]
        }
    ]


def _history(world: World, number: Number) -> list[dict[str, Any]]:
    """Three phases: the latest day, the latest three months, what was before."""
    if not number.standing.history_shared:
        return [{"history": [{"errors": [_DECLINED]}]}]
    now = int(world.clock.now())
    return [
        {"history": [_chunk(world, number, phase=phase, progress=progress, at=now - days * _DAY)]}
        for phase, progress, days in ((0, 35, 0.5), (1, 70, 60), (2, 100, 150))
    ]


def _chunk(world: World, number: Number, *, phase: int, progress: int, at: float) -> dict[str, Any]:
    customer, business = "4915550000101", number.display_phone_number
    asked = {"from": customer, "to": business, "text": {"body": f"Are you open? ({phase})"}, "status": "READ"}
    told = {"from": business, "to": customer, "text": {"body": f"Until six. ({phase})"}, "status": "DELIVERED"}
    messages = [
        {
            "id": world.new_wamid(),
            "timestamp": str(int(at) + place),
            "type": "text",
            "history_context": {"status": said["status"]},
        }
        | {name: value for name, value in said.items() if name != "status"}
        for place, said in enumerate((asked, told))
    ]
    return {
        "metadata": {"phase": phase, "chunk_order": 1, "progress": progress},
        "threads": [{"id": customer, "messages": messages}],
    }
