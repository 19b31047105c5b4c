"""Files as the API knows them: kept, shown, and looked up for the messages that are to carry them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import RowMapping, insert, select, text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.engine import Database
from store.errors import InvalidRequestError, NotFoundError
from store.tables import media
from whatsapp.media_types import file_type
from whatsapp.own_files import OwnFile, own_files


@dataclass(frozen=True, slots=True)
class File:
    """A file as it stands."""

    id: UUID
    direction: str
    """`in` from a customer, `out` given to us to be sent."""
    kind: str
    """`image`, `audio`, `video`, `document` or `sticker`: the message's type."""
    state: str
    """`waiting` (to be fetched from Meta), `stored` or `lost`."""
    mime_type: str | None
    """Of a file that is not stored yet: as its sender told."""
    size: int | None
    """Bytes."""
    sha256: str | None
    """Hexadecimal digits."""
    filename: str | None
    message_id: UUID | None
    """The customer's message that brought it."""
    says: str | None
    """Why it waits or is lost, in words."""
    fetch_before: datetime | None
    """Until when Meta keeps one that waits."""
    stored_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class MessageFile:
    """The file that a message carries."""

    id: UUID
    kind: str
    state: str
    mime_type: str | None
    size: int | None
    filename: str | None


@dataclass(frozen=True, slots=True)
class NewFile:
    """A file that was put under its key."""

    id: UUID
    kind: str
    mime_type: str
    size: int
    sha256: bytes
    filename: str | None
    object_key: str


@dataclass(frozen=True, slots=True)
class Carried:
    """Columns of a message's row that carries a file of ours, named as they are."""

    media_id: UUID | None = None
    hold: Literal["media"] | None = None
    hold_since: datetime | None = None
    reason: str | None = None


_CHECK = text("""
    SELECT m.id, m.kind, m.state, m.mime_type, m.size, m.says, clock_timestamp() AS now,
           EXISTS (SELECT FROM media_uploads u
                   WHERE u.media_id = m.id AND u.integration_id = :integration_id
                     AND u.expires_at > clock_timestamp() + interval '1 minute') AS at_meta
    FROM media m WHERE m.id = CAST(:media_id AS uuid) AND m.organization_id = :organization_id
    FOR KEY SHARE
""")

_OF_MESSAGES = text("""
    SELECT b.id AS of, m.id, m.kind, m.state, m.mime_type, m.size, m.filename
    FROM messages b JOIN media m ON m.id = b.media_id OR m.message_id = b.id
    WHERE b.organization_id = :organization_id AND b.id = ANY(CAST(:ids AS uuid[]))
""")


async def keep(database: Database, organization_id: UUID, new: NewFile) -> File:
    """Note a file of the business's own that has been put under its key."""
    row = {
        "id": new.id,
        "organization_id": organization_id,
        "direction": "out",
        "kind": new.kind,
        "state": "stored",
        "mime_type": new.mime_type,
        "size": new.size,
        "sha256": new.sha256,
        "filename": new.filename,
        "object_key": new.object_key,
        "stored_at": text("clock_timestamp()"),
    }
    async with database.transaction() as connection:
        kept = await connection.execute(insert(media).values(row).returning(media))
        return _file(kept.mappings().one())


async def read_file(database: Database, organization_id: UUID, media_id: UUID) -> tuple[File, str | None]:
    """A file, and the key it is kept under, once it is.

    Raises:
        NotFoundError: the organization has no such file.
    """
    query = select(media).where(media.c.id == media_id, media.c.organization_id == organization_id)
    async with database.statement() as connection:
        row = (await connection.execute(query)).mappings().one_or_none()
    if row is None:
        raise NotFoundError("There is no such file.")
    return _file(row), row["object_key"]


async def files_of(
    connection: AsyncConnection, organization_id: UUID, message_ids: Collection[UUID]
) -> Mapping[UUID, MessageFile]:
    """The files that these messages carry, by the message's id."""
    values = {"organization_id": organization_id, "ids": list(message_ids)}
    return {
        row["of"]: MessageFile(**{name: row[name] for name in MessageFile.__slots__})
        for row in (await connection.execute(_OF_MESSAGES, values)).mappings()
    }


async def check(
    connection: AsyncConnection, *, organization_id: UUID, integration_id: UUID, kind: str, content: Mapping[str, Any]
) -> Carried:
    """The file of ours that a message is to carry, which waits while this number has none of it at Meta.

    Raises:
        InvalidRequestError: it names no file of the organization, one that cannot be sent, or several.
    """
    named = own_files(kind, content)
    if not named:
        return Carried()
    if len({own.media_id.lower() for own in named}) > 1:
        raise InvalidRequestError(
            f"{named[1].where}: is a second file of ours; a message may carry one, and others by link."
        )
    values = {"organization_id": organization_id, "integration_id": integration_id, "media_id": named[0].media_id}
    row: Any = (await connection.execute(_CHECK, values)).one_or_none()
    for own in named:
        _check_file(own, row)
    if row.at_meta:
        return Carried(row.id)
    return Carried(row.id, "media", row.now, "Its file is on its way to Meta.")


def _check_file(own: OwnFile, row: Any) -> None:
    if row is None:
        raise InvalidRequestError(f"{own.where}: names no file of this organization.")
    if row.state == "waiting":
        raise InvalidRequestError(f"{own.where}: names a file that is still being fetched from Meta.")
    if row.state == "lost":
        raise InvalidRequestError(f"{own.where}: names a file that is lost.")
    known = file_type(row.mime_type)
    if known is None:
        raise InvalidRequestError(f"{own.where}: names a file of a type that Meta takes from nobody.")
    if known.kind != own.kind:
        raise InvalidRequestError(f"{own.where}: names a file for {known.kind}, and this needs one for {own.kind}.")
    if row.size > known.most_bytes:
        raise InvalidRequestError(f"{own.where}: names a file of {row.size} bytes; {known.limit}.")


def _file(row: RowMapping) -> File:
    return File(
        id=row["id"],
        direction=row["direction"],
        kind=row["kind"],
        state=row["state"],
        mime_type=row["mime_type"],
        size=row["size"],
        sha256=None if row["sha256"] is None else row["sha256"].hex(),
        filename=row["filename"],
        message_id=row["message_id"],
        says=row["says"],
        fetch_before=row["fetch_before"] if row["state"] == "waiting" else None,
        stored_at=row["stored_at"],
        created_at=row["created_at"],
    )
