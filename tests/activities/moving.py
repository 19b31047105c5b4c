"""Files between the simulator and a folder: a customer's arrives as intake notes it, one of the business's is kept."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from temporalio.testing import ActivityEnvironment

import egress
from activities.fetching_files import Fetching
from activities.media import FileMoves
from activities.uploading_files import Uploading
from store import media, media_arrivals, turns
from store.engine import Database
from store.ids import new_id
from store.media_arrivals import Arrival
from store.objects import ObjectStore, key_of
from tests import rows
from tests.activities.sending import RULES, SendHouse, send_house
from tests.rows import RING, Number
from tests.simulator.stage import APP_SECRET
from whatsapp.app_secrets import AppSecrets
from whatsapp.kinds import File
from whatsapp.media import Media
from workflows.contracts import FileMoved, MoveFile

CUSTOMER = "491700000001"
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4096
"""A picture of a megabyte."""


@dataclass(frozen=True)
class FileHouse:
    """A number, its other side, and what moves files between them."""

    house: SendHouse
    calls: Media
    objects: ObjectStore
    folder: Path
    moves: FileMoves

    @property
    def database(self) -> Database:
        return self.house.database

    @property
    def number(self) -> Number:
        return self.house.number

    @property
    def meta(self) -> Any:
        """The simulator, as its client sees it."""
        return self.house.checks.meta.client

    async def arrives(
        self,
        conversation_id: UUID,
        data: bytes = JPEG,
        mime_type: str = "image/jpeg",
        *,
        kind: Any = "image",
        sha256: bytes | None = None,
    ) -> UUID:
        """A customer's file has arrived in a conversation, as intake notes it; the row's id."""
        await self.meta.customer_sends_file(self.number.phone_number_id, CUSTOMER, kind, data, mime_type)
        meta_media_id = (await self.meta.files())[-1].media_id
        message_id = await rows.received(self.database, self.number, conversation_id, "")
        wamid = (await rows.row(self.database, "messages", message_id)).wamid
        file = File(kind, meta_media_id, mime_type, "../../a name", sha256 or hashlib.sha256(data).digest())
        async with self.database.transaction() as connection:
            await media_arrivals.note_files(connection, [Arrival(self.number.integration_id, wamid, file)])
        query = "SELECT id FROM media WHERE message_id = :message_id"
        return UUID(str((await self.house.checks.rows(query, message_id=message_id))[0].id))

    async def kept(self, data: bytes = JPEG, mime_type: str = "image/jpeg", *, kind: str = "image") -> UUID:
        """A file that the business has given us."""

        async def chunks() -> AsyncIterator[bytes]:
            yield data

        media_id, owner = new_id(), self.number.organization_id
        key, digest = key_of(owner, media_id), hashlib.sha256(data).digest()
        await self.objects.put(key, chunks())
        await media.keep(
            self.database, owner, media.NewFile(media_id, kind, mime_type, len(data), digest, "a.jpg", key)
        )
        return media_id

    async def picture(self, conversation_id: UUID, media_id: UUID, **columns: Any) -> UUID:
        """A picture of ours that waits for its file to be at Meta, as the outbox queues it."""
        content = {"image": {"media_id": str(media_id), "caption": "look"}}
        [message_id] = await self.house.queue(
            conversation_id, "", type="image", content=content, media_id=media_id, hold="media", **columns
        )
        return message_id

    async def files(self, conversation_id: UUID) -> list[UUID]:
        """The files that a look at the conversation has moved."""
        looked = await turns.look(self.database, conversation_id, rules=RULES)
        assert looked is not None
        return looked[1].files

    async def move(self, media_id: UUID) -> FileMoved:
        command = MoveFile(str(media_id), str(self.number.integration_id))
        moved: FileMoved = await ActivityEnvironment().run(self.moves.move_file, command)
        return moved

    async def beats(self, media_id: UUID) -> int:
        """Move a file; how often it was told meanwhile that its worker is alive."""
        environment, told = ActivityEnvironment(), 0

        def hear(*_: object) -> None:
            nonlocal told
            told += 1

        environment.on_heartbeat = hear
        await environment.run(self.moves.move_file, MoveFile(str(media_id), str(self.number.integration_id)))
        return told

    async def row(self, media_id: UUID) -> Any:
        return await rows.row(self.database, "media", media_id)

    async def read(self, media_id: UUID) -> bytes:
        """What is kept of a file."""
        return b"".join(
            [chunk async for chunk in await self.objects.get(key_of(self.number.organization_id, media_id))]
        )

    def on_disk(self) -> list[str]:
        """The names of all that lies in the folder."""
        return sorted(path.name for path in self.folder.rglob("*") if path.is_file())

    async def due_again(self, media_id: UUID) -> timedelta:
        """How long until a file is to be tried again."""
        query = "SELECT next_at - clock_timestamp() AS wait FROM media WHERE id = :media_id"
        wait: timedelta = (await self.house.checks.rows(query, media_id=media_id))[0].wait
        return wait

    async def no_more_waiting(self, media_id: UUID) -> None:
        """The time of the next attempt has come."""
        await rows.change(self.database, "UPDATE media SET next_at = now() WHERE id = :id", id=media_id)


@asynccontextmanager
async def file_house(
    database: Database, folder: Path, *, most: timedelta = timedelta(seconds=20)
) -> AsyncIterator[FileHouse]:
    objects = await asyncio.to_thread(ObjectStore.open, str(folder))
    async with (
        send_house(database) as house,
        egress.graph_client(max_connections=4) as graph,
        egress.agent_client(private_addresses=False) as world,
    ):
        calls = Media(
            graph,
            world,
            base_url=str(house.checks.meta.graph.base_url),
            version="v26.0",
            secrets=AppSecrets.of(APP_SECRET),
            hosts=["fbsbx.com"],
            deadline=timedelta(seconds=5),
            timeout=most,
        )
        fetching = Fetching(database, RING, calls, objects, most)
        moves = FileMoves(fetching, Uploading(database, RING, calls, objects))
        yield FileHouse(house, calls, objects, folder, moves)
