"""Onboardings in each of their states, by rows: what a page shows of them needs no run."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, text, update

from store.ids import new_id
from store.onboardings import Hints, start_onboarding
from store.tables import onboarding_steps, onboardings
from store.tables.onboardings import ONBOARDING_STEPS
from tests.console.stage import Console
from tests.rows import RING


def number(phone_number: str = "+49 30 1234567") -> dict[str, str]:
    """A number's columns; its id is new each time."""
    return {
        "waba_id": "102290129340398",
        "phone_number_id": f"106{new_id().int % 10**12:012}",
        "phone_number": phone_number,
        "verified_name": "Bakery Nord",
    }


def candidates() -> list[dict[str, Any]]:
    """A free number, one that another organization holds, one that is connected here already."""
    return [
        number() | {"taken": None},
        number("+49 30 7654321") | {"taken": "elsewhere"},
        number("+49 30 5555555") | {"taken": "here"},
    ]


_DONE = {
    "exchange": "The code is exchanged; the access token is sealed.",
    "inspect": "The token is of our app, valid, and has both permissions.",
    "find": "The number is found.",
    "connect": "The connection is prepared.",
    "subscribe": "Messages of the account come to Holdfast.",
    "register": "The number is registered.",
    "check": "Meta says that the number is ready.",
    "activate": "The number is live.",
}


async def begun(console: Console, **values: Any) -> UUID:
    """An onboarding that has just begun."""
    return await start_onboarding(
        console.database,
        RING,
        organization_id=console.organization_id,
        agent_flow_id=console.agent_flow_id,
        way="popup",
        code="a code",
        hints=Hints("FINISH", "102290129340398"),
        started_by=console.person_id,
        **values,
    )


async def standing_at(console: Console, onboarding_id: UUID, step: str, state: str, **shown: Any) -> None:
    """Let it stand at a step: all before are done; `shown` are columns of the step."""
    database = console.database
    place = ONBOARDING_STEPS.index(step)
    now = datetime.now(UTC)
    table = onboarding_steps.c
    async with database.transaction() as connection:
        for number, name in enumerate(ONBOARDING_STEPS):
            values: dict[str, Any] = {"state": "pending"}
            if number < place:
                ended = now - timedelta(seconds=(place - number) * 3)
                values = {"state": "done", "says": _DONE[name], "attempts": 1, "began_at": ended, "ended_at": ended}
            elif number == place:
                values = {"state": state, "attempts": 1, "began_at": now} | shown
            where = (table.onboarding_id == onboarding_id, table.step == name)
            await connection.execute(update(onboarding_steps).where(*where).values(values))
    await changed(console, onboarding_id, step=step)


async def changed(console: Console, onboarding_id: UUID, **values: Any) -> None:
    """Change the onboarding's row, and tell whoever watches."""
    async with console.database.transaction() as connection:
        row = update(onboardings).where(onboardings.c.id == onboarding_id)
        await connection.execute(row.values({"changed_at": func.clock_timestamp()} | values))
        await connection.execute(text("SELECT pg_notify('onboarding', :id)"), {"id": str(onboarding_id)})


async def waiting(console: Console, what: str, step: str, **shown: Any) -> UUID:
    """An onboarding that waits for a person."""
    onboarding_id = await begun(console)
    await standing_at(console, onboarding_id, step, "waiting", **shown)
    since = datetime.now(UTC) - timedelta(minutes=5)
    known = number() if what in {"pin", "proof", "retry"} else {"candidates": candidates()}
    await changed(console, onboarding_id, waiting_for=what, waiting_since=since, **known)
    return onboarding_id


async def ended(console: Console, state: str, step: str, **values: Any) -> UUID:
    """An onboarding that is over."""
    onboarding_id = await begun(console)
    steps = {"failed": "failed", "live": "done", "cancelled": "undone"}
    await standing_at(console, onboarding_id, step, steps[state])
    now = datetime.now(UTC)
    await changed(console, onboarding_id, state=state, ended_at=now, **values)
    return onboarding_id
