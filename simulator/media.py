"""Files at Graph's edge: `POST /{version}/{phone_number_id}/media`, and the address they are downloaded from."""

import asyncio

from starlette.datastructures import UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from simulator.authority import Authority, bearer
from simulator.calls import CallRecord
from simulator.downloads import FileAnswer
from simulator.endings import end
from simulator.file_rules import check_file
from simulator.files import DOWNLOAD_PATH, StoredFile
from simulator.numbers import Number
from simulator.refusals import RefusedError, invisible_object
from simulator.world import World

_NOT_FOUND, _UNAUTHORIZED = 404, 401
_DEAD_TOKEN = 190


class MediaDesk:
    """Takes uploads and gives out files."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._authority = Authority(world)

    def routes(self) -> list[Route]:
        """Its paths."""
        return [
            Route("/{version}/{phone_number_id}/media", self.upload, methods=["POST"]),
            Route(DOWNLOAD_PATH, self.download, methods=["GET"]),
        ]

    async def upload(self, request: Request) -> Response:
        """Take a file and name its id."""
        phone_number_id = request.path_params["phone_number_id"]
        record = self._begin("upload_media", phone_number_id, token_in_query="access_token" in request.query_params)
        try:
            return await self._upload(request, self._authority.number(request, phone_number_id), record)
        except RefusedError as refusal:
            record.refuse(refusal.code)
            self._world.account.refused[phone_number_id, refusal.code] += 1
            return refusal.response()
        except ClientDisconnect:
            record.outcome, record.answer = "lost", "unheard"
            return Response()

    async def _upload(self, request: Request, number: Number, record: CallRecord) -> Response:
        plan = self._world.faults.plan(number.phone_number_id, "", "upload_media")
        self._authority.stop_by(plan, number)
        if not plan.accepted:  # its bytes are not read to the end
            record.outcome, record.answer = "lost", plan.ending
            await asyncio.sleep(plan.slow)
            return end(plan, {})
        data, mime_type = await _form(request)
        check_file(data, mime_type)
        now = self._world.clock.now()
        stored = self._world.files.add(number.phone_number_id, data, mime_type, now=now)
        record.outcome = "ok"
        await asyncio.sleep(plan.slow)
        record.answer = plan.ending
        return end(plan, {"id": stored.media_id})

    async def download(self, request: Request) -> Response:
        """Give out a file to whoever has its URL in time and a token that sees its number; else a status alone."""
        query = request.query_params
        record = self._begin("download", query.get("mid", ""), token_in_query="access_token" in query)
        try:
            return self._download(request, record)
        except RefusedError as refusal:
            status = refusal.http_status or (_UNAUTHORIZED if refusal.code == _DEAD_TOKEN else _NOT_FOUND)
            record.refuse(status)
            return Response(status_code=status)

    def _download(self, request: Request, record: CallRecord) -> Response:
        token = self._authority.token(bearer(request.headers))
        stored = self._named(request)
        number = self._world.numbers.get(stored.phone_number_id) if stored is not None else None
        if stored is None or number is None or not self._authority.sees(token, number):
            raise invisible_object(request.query_params.get("mid", ""), method="get")
        plan = self._world.faults.plan(number.phone_number_id, "", "download")
        self._authority.stop_by(plan, number)
        record.outcome, record.answer = "ok" if plan.accepted else "lost", plan.ending
        if plan.ending in {"answer", "cut"}:
            return FileAnswer(stored.data, stored.mime_type, plan)
        return end(plan, {})

    def _named(self, request: Request) -> StoredFile | None:
        """The file of a URL that was given out and is not over."""
        media_id, ends, signature = (request.query_params.get(name, "") for name in ("mid", "ext", "hash"))
        return self._world.files.behind(media_id, ends, signature, now=self._world.clock.now())

    def _begin(self, call: str, object_id: str, *, token_in_query: bool) -> CallRecord:
        now = self._world.clock.now()
        return self._world.account.calls.begin(call, object_id, at=now, token_in_query=token_in_query)


async def _form(request: Request) -> tuple[bytes, str]:
    """The file of an upload and its type."""
    try:
        async with request.form(max_files=1, max_fields=10) as form:
            if form.get("messaging_product") != "whatsapp":
                raise RefusedError(100, message="(#100) The parameter messaging_product is required.")
            file, said = form.get("file"), form.get("type")
            if not isinstance(file, UploadFile):
                raise RefusedError(100, message="(#100) The parameter file is required.")
            mime_type = file.content_type or (said if isinstance(said, str) else "")
            return await file.read(), mime_type
    except HTTPException as error:  # starlette's word for a form that is none
        raise RefusedError(100, details=str(error.detail)) from error
