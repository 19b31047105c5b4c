"""The control API's part for logins: how the next ones end, and what the last ones left."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request

from simulator.login.dialog import Dialog
from simulator.login.endings import EndingOrder

Json = dict[str, Any]
router = APIRouter(prefix="/_control", tags=["control"])


async def _dialog(request: Request) -> Dialog:
    dialog: Dialog = request.app.state.dialog
    return dialog


TheDialog = Annotated[Dialog, Depends(_dialog)]
"""The login of the app that was asked."""


@router.post("/login-endings", status_code=201)
async def preset(dialog: TheDialog, order: EndingOrder) -> dict[str, int]:
    """End the next login so; several are used in their order."""
    dialog.presets.append(order)
    return {"preset": len(dialog.presets)}


@router.delete("/login-endings")
async def forget(dialog: TheDialog) -> dict[str, int]:
    """Take back every ending that was not used."""
    dialog.presets.clear()
    return {"preset": 0}


@router.get("/logins")
async def logins(dialog: TheDialog) -> list[Json]:
    """The logins that ended, with what they left."""
    return [login.view() for login in dialog.logins]
