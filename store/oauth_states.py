"""Redirect OAuth's `state`: works once, for 10 minutes, in the browser it was made for. Only hashes are kept.

Why there is no PKCE beside it: docs/decisions/0013-redirect-oauth-without-pkce.md.
"""

import secrets
from dataclasses import dataclass
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import func, insert, select, update

from store.audit import OURSELVES, By
from store.engine import Database
from store.errors import HoldfastError, NotFoundError
from store.hashing import KeyedHash
from store.tables import agent_flows, oauth_states

LIFE = timedelta(minutes=10)
_AGAIN = "Start again from the page that led to Meta."


class StateUnknownError(HoldfastError):
    """The state is none that was made here, or not for this organization."""

    code = "state_unknown"
    http_status = 400
    next_step = _AGAIN


class StateExpiredError(HoldfastError):
    """The person took longer than ten minutes."""

    code = "state_expired"
    http_status = 400
    next_step = _AGAIN


class StateUsedError(HoldfastError):
    """The state came before: a page that was loaded anew, or somebody repeats an address."""

    code = "state_used"
    http_status = 400
    next_step = "Look at the onboardings: the first time counted. Else start again."


class StateOtherBrowserError(HoldfastError):
    """The state was made for another browser."""

    code = "state_other_browser"
    http_status = 400
    next_step = "Start and end in the same browser, with cookies allowed."


@dataclass(frozen=True, slots=True)
class OAuthState:
    """What a state stands for."""

    organization_id: UUID
    agent_flow_id: UUID
    redirect_uri: str
    by: By
    """Who set out: a person, or whoever has the key."""
    reconnects_id: UUID | None

    @property
    def started_by(self) -> UUID | None:
        """The person who set out, if it was one."""
        return self.by.actor_id if self.by.actor == "person" else None


async def begin(
    database: Database,
    keyed_hash: KeyedHash,
    *,
    organization_id: UUID,
    agent_flow_id: UUID,
    browser: str,
    redirect_uri: str,
    by: By = OURSELVES,
    reconnects_id: UUID | None = None,
) -> str:
    """A new state for Meta's dialog; `browser` is a secret that only this browser has (a cookie).

    Raises:
        NotFoundError: the organization has no such agent flow.
    """
    state = secrets.token_urlsafe(32)
    row = {
        "state_hash": keyed_hash.digest(state),
        "organization_id": organization_id,
        "agent_flow_id": agent_flow_id,
        "browser_hash": keyed_hash.digest(browser),
        "redirect_uri": redirect_uri,
        "started_by": by.actor_id if by.actor == "person" else None,
        "key_id": by.actor_id if by.actor == "key" else None,
        "reconnects_id": reconnects_id,
        "expires_at": func.clock_timestamp() + LIFE,
    }
    flow = select(agent_flows.c.id).where(
        agent_flows.c.id == agent_flow_id, agent_flows.c.organization_id == organization_id
    )
    async with database.transaction() as connection:
        if (await connection.execute(flow)).one_or_none() is None:
            raise NotFoundError("This organization has no such agent flow.")
        await connection.execute(insert(oauth_states).values(row))
    return state


async def use(
    database: Database, keyed_hash: KeyedHash, *, state: str, browser: str, organization_id: UUID | None = None
) -> OAuthState:
    """What a state stands for, once. `organization_id`: whose state it has to be, where the caller knows that.

    Another browser does not use it up.

    Raises:
        StateUnknownError, StateOtherBrowserError, StateUsedError, StateExpiredError
    """
    query = select(oauth_states, func.clock_timestamp().label("now")).where(
        oauth_states.c.state_hash == keyed_hash.digest(state)
    )
    async with database.transaction() as connection:
        row = (await connection.execute(query.with_for_update())).one_or_none()
        if row is None or organization_id not in (None, row.organization_id):
            raise StateUnknownError("This sign-in was not started here.")
        if not keyed_hash.matches(browser, row.browser_hash):
            raise StateOtherBrowserError("This sign-in was started in another browser.")
        if row.used_at is not None:
            raise StateUsedError("This sign-in was used before.")
        if row.expires_at <= row.now:
            raise StateExpiredError("This sign-in took longer than ten minutes.")
        used = update(oauth_states).where(oauth_states.c.state_hash == row.state_hash)
        await connection.execute(used.values(used_at=func.clock_timestamp()))
    return OAuthState(row.organization_id, row.agent_flow_id, row.redirect_uri, _who(row), row.reconnects_id)


async def led_to(database: Database, keyed_hash: KeyedHash, *, state: str, onboarding_id: UUID) -> None:
    """Note which onboarding came of a state."""
    change = update(oauth_states).where(oauth_states.c.state_hash == keyed_hash.digest(state))
    async with database.statement() as connection:
        await connection.execute(change.values(onboarding_id=onboarding_id))


def _who(row: Any) -> By:
    if row.started_by is not None:
        return By("person", row.started_by)
    return OURSELVES if row.key_id is None else By("key", row.key_id)
