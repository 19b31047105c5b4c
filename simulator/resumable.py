"""Resumable uploads: a session at `/{app}/uploads`, its bytes at `/upload:…` from an offset on, a handle at the end.

What came before a connection broke is kept: `GET /upload:…` says how much, and the next part begins there.
"""

import asyncio
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.authority import Authority
from simulator.calls import CallRecord
from simulator.endings import end, refusal
from simulator.faults import CallName, Plan
from simulator.figures import whole
from simulator.management.call import Call, Desk, Json, Operation
from simulator.refusals import RefusedError, dead_token, invisible_object
from simulator.world import World

FILE_TYPES = ("application/pdf", "image/jpeg", "image/jpg", "image/png", "video/mp4")
_OWN_NAME = "oauth "
"""How this host wants the token named in the Authorization header, in small letters."""


@dataclass(slots=True)
class Upload:
    """One session and what came of its file."""

    id: str
    """As it stands in addresses, without what signs it."""
    signature: str
    name: str
    mime_type: str
    length: int
    data: bytearray = field(default_factory=bytearray)
    offsets: list[int] = field(default_factory=list)
    """Where each part that came began."""
    handle: str | None = None

    def view(self) -> Json:
        """What a test may see."""
        return {
            "id": self.id,
            "name": self.name,
            "mime_type": self.mime_type,
            "length": self.length,
            "received": len(self.data),
            "offsets": self.offsets,
            "handle": self.handle,
            "sha256": hashlib.sha256(self.data).hexdigest(),
        }


class Uploads:
    """The upload host of one world."""

    def __init__(self, world: World, desk: Desk) -> None:
        self._world = world
        self._desk = desk
        self._authority = Authority(world)
        self._sessions: dict[str, Upload] = {}

    def routes(self) -> list[Route]:
        """Its paths; they go before those that end in any id."""
        root = "/{version:version}"
        return [
            Route(f"{root}/{{app_id}}/uploads", self._open, methods=["POST"]),
            Route(f"{root}/upload:{{session}}", self._tell, methods=["GET"]),
            Route(f"{root}/upload:{{session}}", self._take, methods=["POST"]),
        ]

    def view(self) -> list[Json]:
        """Every session, the oldest first."""
        return [upload.view() for upload in self._sessions.values()]

    def by_handle(self, handle: str) -> Upload | None:
        """The file of a handle, once it is there in full."""
        return next((upload for upload in self._sessions.values() if upload.handle == handle), None)

    async def _open(self, request: Request) -> Response:
        operation = Operation("upload_session", self._begin, scope=None)
        return await self._desk.answer(request, operation, request.path_params["app_id"])

    async def _begin(self, call: Call) -> Json:
        if call.object_id != self._world.config.app_id:
            raise invisible_object(call.object_id)
        length, mime_type = whole(call.text("file_length")), call.text("file_type")
        if not length:
            raise RefusedError(100, message="(#100) The parameter file_length is required")
        if mime_type not in FILE_TYPES:
            raise RefusedError(100, message=f"(#100) Param file_type must be one of {', '.join(FILE_TYPES)}")
        # A signature as Meta's: without it the address is of no use.
        upload = Upload(
            f"upload:{secrets.token_urlsafe(30)}==",
            secrets.token_urlsafe(15),
            call.text("file_name"),
            mime_type,
            length,
        )
        self._sessions[upload.id] = upload
        return {"id": f"{upload.id}?sig={upload.signature}"}

    async def _tell(self, request: Request) -> Response:
        async def offset(upload: Upload, plan: Plan, record: CallRecord) -> Response:
            record.outcome = "ok" if plan.accepted else "lost"
            return end(plan, {"id": f"{upload.id}?sig={upload.signature}", "file_offset": len(upload.data)})

        return await self._answer(request, "upload_offset", offset)

    async def _take(self, request: Request) -> Response:
        async def part(upload: Upload, plan: Plan, record: CallRecord) -> Response:
            offset = whole(request.headers.get("file_offset", ""))
            if offset is None or offset != len(upload.data) or upload.handle is not None:
                raise RefusedError(100, message="(#100) file_offset does not match what was uploaded")
            upload.offsets.append(offset)
            is_whole = await _read(request, upload, cut=not plan.accepted)
            record.outcome = "ok" if plan.accepted else "lost"
            if plan.accepted and not is_whole:
                raise RefusedError(100, message="(#100) The file is not complete, or longer than file_length")
            if is_whole:
                upload.handle = f"4:{secrets.token_urlsafe(80)}"
            return end(plan, {"h": upload.handle})

        return await self._answer(request, "upload", part)

    async def _answer(self, request: Request, name: CallName, run: Any) -> Response:
        """Answer a call of this host, which knows neither the other's headers nor its desk."""
        upload_id = f"upload:{request.path_params['session']}"
        record = self._world.account.calls.begin(
            name, upload_id, at=self._world.clock.now(), token_in_query="access_token" in request.query_params
        )
        try:
            upload = self._authorized(request, upload_id)
            plan = self._world.faults.plan(upload_id, "", name)
            if plan.access is not None:
                raise dead_token()
            if plan.refuse is not None:
                raise refusal(plan.refuse)
            response: Response = await run(upload, plan, record)
        except RefusedError as error:
            record.refuse(error.code)
            return error.response()
        await asyncio.sleep(plan.slow)
        record.answer = plan.ending
        return response

    def _authorized(self, request: Request, upload_id: str) -> Upload:
        named = request.headers.get("authorization", "")
        if not named.lower().startswith(_OWN_NAME):
            raise dead_token()
        token = self._authority.token(named[len(_OWN_NAME) :])
        self._authority.check_proof(request.query_params.get("appsecret_proof"), token.text)
        upload = self._sessions.get(upload_id)
        if upload is None or request.query_params.get("sig") != upload.signature:
            raise invisible_object(upload_id, method=request.method)
        return upload


async def _read(request: Request, upload: Upload, *, cut: bool) -> bool:
    """Take what comes, or half of what is left to come if the connection is cut; whether the file is complete."""
    most = upload.length - len(upload.data)
    most -= most // 2 if cut else 0
    try:
        async for chunk in request.stream():
            upload.data += chunk[:most]
            most -= len(chunk)
            if most < 0 or (cut and not most):
                return False
    except ClientDisconnect:
        return False
    return most == 0 and not cut
