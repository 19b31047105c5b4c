"""What Facebook users ask for through Meta: that our app forgets them, or has been taken away (section 11).

Of the person themself nothing is kept: an onboarding stores the business's token and accounts, not who clicked. So
there is nothing to delete, and the record says so; the person's Facebook id is kept as a keyed hash only.
"""

import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlalchemy import func, insert, select

from store.engine import Database
from store.errors import NotFoundError
from store.hashing import KeyedHash
from store.tables import data_requests

Kind = Literal["deauthorize", "deletion"]

_SAYS: dict[Kind, str] = {
    "deletion": "Nothing of your Facebook account is kept here: not its id, not your name, not your e-mail address. "
    "Access that you gave belongs to the business you gave it for; it ends when the business disconnects its number "
    "here, or removes this app in Meta's Business settings.",
    "deauthorize": "The app was taken away from a Facebook account, of which nothing is kept here. Numbers whose "
    "access ended by that are held, and their owners are told, as soon as Meta refuses the access.",
}


@dataclass(frozen=True, slots=True)
class DataRequest:
    """A request and what became of it."""

    kind: str
    confirmation_code: str
    state: str
    says: str | None
    created_at: datetime
    ended_at: datetime | None


async def take_data_request(database: Database, keyed_hash: KeyedHash, *, kind: Kind, user_id: str) -> str:
    """Keep that a person asked, and what we have to say to it; answers the confirmation code.

    Asked again, by the same person for the same, the code is the one they have.
    """
    user_hash = keyed_hash.digest(f"facebook-user:{user_id}")
    known = select(data_requests.c.confirmation_code).where(
        data_requests.c.user_hash == user_hash, data_requests.c.kind == kind
    )
    async with database.transaction() as connection:
        # One at a time for one person: two at once would make two codes.
        await connection.execute(select(func.pg_advisory_xact_lock(int.from_bytes(user_hash[:8], signed=True))))
        code: str | None = (await connection.execute(known.order_by(data_requests.c.id).limit(1))).scalar()
        if code is None:
            code = secrets.token_hex(10)
            row = {"kind": kind, "confirmation_code": code, "user_hash": user_hash, "says": _SAYS[kind]}
            done = {"state": "done", "ended_at": func.clock_timestamp()}
            await connection.execute(insert(data_requests).values(row | done))
    return code


async def data_request(database: Database, confirmation_code: str) -> DataRequest:
    """A request by its code.

    Raises:
        NotFoundError: nobody was given this code.
    """
    columns = (
        data_requests.c.kind,
        data_requests.c.confirmation_code,
        data_requests.c.state,
        data_requests.c.says,
        data_requests.c.created_at,
        data_requests.c.ended_at,
    )
    query = select(*columns).where(data_requests.c.confirmation_code == confirmation_code)
    async with database.transaction() as connection:
        row = (await connection.execute(query)).one_or_none()
    if row is None:
        raise NotFoundError("There is no request with this confirmation code.")
    return DataRequest(*row)
