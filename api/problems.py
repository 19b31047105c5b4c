"""Every refusal as an RFC 9457 problem: what happened, what to do, and for a defect the id of its report."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any
from uuid import UUID

import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from store.errors import HoldfastError, MergedError, UnavailableError

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"

AWAY: tuple[type[Exception], ...] = (OperationalError, InterfaceError, DBAPIError, PoolTimeoutError, OSError)
"""What a request may raise while Postgres is away; of the driver's own errors only those that `is_away` confirms."""

Report = Callable[[BaseException], Awaitable[UUID]]
"""Keeps the details of an unexpected error and answers the id by which they are found."""


class FieldProblem(BaseModel):
    """What is wrong with one field of the request; its value is never repeated."""

    field: str
    message: str


class Problem(BaseModel):
    """An answer that is not a success (RFC 9457)."""

    model_config = ConfigDict(
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:holdfast:problem:template_required",
                    "title": "Template required",
                    "status": 409,
                    "code": "template_required",
                    "detail": "The 24-hour window of this conversation is closed: only a template may be sent.",
                    "next_step": "Send a template, or wait until the customer writes.",
                }
            ]
        }
    )

    type: str = Field(description="`urn:holdfast:problem:` and the code.")
    title: str
    status: int
    code: str = Field(description="A heading in docs/errors.md.")
    detail: str
    next_step: str
    errors: list[FieldProblem] | None = Field(default=None, description="For an invalid request: what is wrong where.")
    merged_into: UUID | None = Field(default=None, description="For `merged`: the id that goes on.")
    error_id: UUID | None = Field(default=None, description="For an unexpected error: its report.")


def problem_body(code: str, status: int, detail: str, *, next_step: str, **more: Any) -> bytes:
    """A problem as JSON; `more` are further members."""
    title = code.replace("_", " ").capitalize()
    kind = f"urn:holdfast:problem:{code}"
    # A field's name may come from the request, with half a surrogate pair in it.
    said = detail.encode("utf-8", "replace").decode()
    problem = {"type": kind, "title": title, "status": status, "code": code, "detail": said, "next_step": next_step}
    return orjson.dumps(problem | more)


def problem_answer(code: str, status: int, detail: str, *, next_step: str) -> tuple[Message, Message]:
    """A problem as the two ASGI messages of an answer."""
    body = problem_body(code, status, detail, next_step=next_step)
    headers = [(b"content-type", MEDIA_TYPE.encode()), (b"content-length", str(len(body)).encode())]
    return (
        {"type": "http.response.start", "status": status, "headers": headers},
        {"type": "http.response.body", "body": body},
    )


def install(app: FastAPI, report: Report) -> None:
    """Let every error of `app` end as a problem."""
    app.add_exception_handler(HoldfastError, _holdfast)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    for away in AWAY:
        app.add_exception_handler(away, _database)
    app.add_middleware(UnexpectedErrors, report=report)


class UnexpectedErrors:
    """The API's edge: what nobody foresaw is reported, and the caller gets the report's id and no detail.

    `answer` makes of that id what the caller gets.
    """

    def __init__(self, app: ASGIApp, *, report: Report, answer: Callable[[UUID], Response] | None = None) -> None:
        self._app = app
        self._report = report
        self._answer = answer or _unexpected

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on; answer 500 when that raises before an answer has begun."""
        begun = False

        async def sent(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, sent)
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            await self._answer(await self._report(error))(scope, receive, send)


def _unexpected(error_id: UUID) -> Response:
    body = problem_body(
        "unexpected",
        500,
        "Something went wrong that nobody foresaw.",
        next_step="Tell whoever runs this service the error id.",
        error_id=str(error_id),
    )
    return Response(body, 500, media_type=MEDIA_TYPE)


async def _holdfast(_: Request, error: Exception) -> Response:
    if not isinstance(error, HoldfastError):
        raise error
    more = {"merged_into": str(error.merged_into)} if isinstance(error, MergedError) else {}
    body = problem_body(error.code, error.http_status, error.detail, next_step=error.next_step, **more)
    headers = {"WWW-Authenticate": "Bearer"} if error.http_status == HTTPStatus.UNAUTHORIZED else None
    return Response(body, error.http_status, media_type=MEDIA_TYPE, headers=headers)


async def _invalid(_: Request, error: Exception) -> Response:
    if not isinstance(error, RequestValidationError):
        raise error
    errors = [{"field": _field(found["loc"]), "message": found["msg"]} for found in error.errors()]
    named = ", ".join(sorted({found["field"] for found in errors}))
    body = problem_body(
        "invalid_request",
        HTTPStatus.UNPROCESSABLE_ENTITY,
        f"The request cannot be read: {named}.",
        next_step="Correct the named fields; /docs shows what each takes.",
        errors=errors,
    )
    return Response(body, HTTPStatus.UNPROCESSABLE_ENTITY, media_type=MEDIA_TYPE)


def _field(location: tuple[int | str, ...]) -> str:
    # In angle brackets stands which of several bodies is meant: no field of the request.
    named = [str(part) for part in location if not str(part).startswith("<")]
    return ".".join(named).encode("utf-8", "replace").decode()


async def _http(_: Request, error: Exception) -> Response:
    if not isinstance(error, HTTPException):
        raise error
    phrase = HTTPStatus(error.status_code).phrase
    # 400 is the framework's word for a body that is not even UTF-8.
    unreadable = error.status_code == HTTPStatus.BAD_REQUEST
    code = "invalid_request" if unreadable else phrase.lower().replace(" ", "_")
    body = problem_body(code, error.status_code, f"{phrase}.", next_step="See /docs for what exists.")
    return Response(body, error.status_code, media_type=MEDIA_TYPE, headers=dict(error.headers or {}))


async def _database(request: Request, error: Exception) -> Response:
    """Postgres is away: that is nobody's defect. Anything else that the driver says is one."""
    if isinstance(error, DBAPIError) and not is_away(error):
        raise error
    log.warning("api.database_away", path=request.url.path, reason=type(error).__name__)
    return await _holdfast(request, UnavailableError("The database does not answer."))


def is_away(error: DBAPIError) -> bool:
    """Whether Postgres could not be reached, or refuses for the moment."""
    # 08: connection, 53: no resources left (too many connections, disk full), 57: shutting down or starting up.
    state = str(getattr(error.orig, "sqlstate", None) or "")
    return (
        error.connection_invalidated
        or isinstance(error, InterfaceError | OperationalError)
        or state[:2] in {"08", "53", "57"}
    )
