"""`/`: the simulator's numbers and conversations; and a page for each conversation, to write in as its customer."""

import math
from functools import partial
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader
from starlette.datastructures import FormData, UploadFile
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator.chat.lines import Line, lines_of, tap_of
from simulator.chat.words import FindTemplate
from simulator.customers import Conversation
from simulator.figures import digits_of
from simulator.files import kind_of
from simulator.numbers import Number
from simulator.pages import file_of
from simulator.received import receive_file
from simulator.world import World

_HERE = Path(__file__).parent
_FILES = {"chat.css": "text/css", "chat.js": "text/javascript"}
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "form-action 'self'; base-uri 'none'"
)
_SHOWN = 50
EMOJI = ("👍", "❤️", "😂", "🙏")


class ChatPages:
    """The pages of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._pages = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)

    def routes(self) -> list[Route]:
        """Their paths."""
        path = "/conversations/{phone_number_id}/{customer}"
        return [
            Route("/", self.home, methods=["GET"]),
            Route("/say", self.begin, methods=["POST"]),
            Route(path, self.show, methods=["GET"]),
            Route(path, self.write, methods=["POST"]),
            Route("/chat/{name}", self.file, methods=["GET"]),
        ]

    async def file(self, request: Request) -> Response:
        """What the pages are made of."""
        return file_of(_HERE / "files", _FILES, request.path_params["name"])

    async def home(self, _: Request) -> Response:
        """Numbers, conversations, and a form to write as a customer."""
        latest = list(reversed(self._world.customers.conversations[-_SHOWN:]))
        rows = [(conversation, self._lines(conversation)[-1:]) for conversation in latest]
        config = self._world.deliveries.config
        return self._page("home.html", world=self._world, rows=rows, webhook_url=config.webhook_url)

    async def begin(self, request: Request) -> Response:
        """Write a text as anybody."""
        async with request.form() as form:
            number = self._world.numbers.get(_word(form, "number"))
            wa_id, text = _word(form, "wa_id").removeprefix("+"), _word(form, "text")
        if number is None or digits_of(wa_id) != wa_id or not wa_id or not text:
            return self._problem("Choose a number, and give the customer's phone number and a text.")
        conversation = self._world.customers.of(number, wa_id=wa_id)
        self._world.say(number, conversation, type="text", content={"body": text})
        return RedirectResponse(_address(conversation), 303)

    async def show(self, request: Request) -> Response:
        """One conversation."""
        number, conversation = self._whom(request)
        if number is None or conversation is None:
            return self._problem("There is no such conversation: a restart forgets them all.", status=404)
        is_open = conversation.window_is_open(self._world.clock.now())
        lines = self._lines(conversation)[-_SHOWN:]
        who = {"number": number, "conversation": conversation}
        return self._page("conversation.html", who=who, lines=lines, is_open=is_open, emoji=EMOJI)

    async def write(self, request: Request) -> Response:
        """Write in it as its customer: what, the form's `kind` says."""
        number, conversation = self._whom(request)
        if number is None or conversation is None:
            return self._problem("There is no such conversation: a restart forgets them all.", status=404)
        async with request.form(max_files=1) as form:
            try:
                kind, content = await self._content(form, number, conversation, str(request.base_url))
            except (ValueError, LookupError):
                return self._problem(
                    "Something was left out, or is not what its field asks for. Go back and try again."
                )
        self._world.say(number, conversation, type=kind, content=content, extra=_context(form, number))
        return RedirectResponse(_address(conversation), 303)

    async def _content(
        self, form: FormData, number: Number, conversation: Conversation, base_url: str
    ) -> tuple[str, dict[str, Any]]:
        match _word(form, "kind"):
            case "text":
                return "text", {"body": _needed(form, "text")}
            case "location":
                point = {name: _degrees(form, name) for name in ("latitude", "longitude")}
                return "location", point | ({"name": name} if (name := _word(form, "name")) else {})
            case "reaction":
                emoji = _word(form, "emoji")
                return "reaction", {"message_id": _needed(form, "to")} | ({"emoji": emoji} if emoji else {})
            case "tap":
                tap = tap_of(
                    conversation, _needed(form, "to"), int(_needed(form, "place")), find=self._templates_of(number)
                )
                return tap.type, tap.content
            case "file":
                return await self._file(form, number, base_url)
        raise ValueError

    async def _file(self, form: FormData, number: Number, base_url: str) -> tuple[str, dict[str, Any]]:
        file = form["file"]
        if not isinstance(file, UploadFile) or not file.filename:
            raise ValueError
        mime_type = file.content_type or "application/octet-stream"
        kind = kind_of(mime_type)
        content = receive_file(self._world, number, await file.read(), mime_type, kind=kind, base_url=base_url)
        named = {"filename": file.filename} if kind == "document" else {}
        caption = {"caption": text} if (text := _word(form, "caption")) and kind not in {"audio", "sticker"} else {}
        return kind, content | named | caption

    def _lines(self, conversation: Conversation) -> list[Line]:
        return lines_of(conversation, self._templates_of(self._world.numbers[conversation.phone_number_id]))

    def _templates_of(self, number: Number) -> FindTemplate:
        return partial(self._world.templates.find, number.waba_id)

    def _whom(self, request: Request) -> tuple[Number | None, Conversation | None]:
        phone_number_id = request.path_params["phone_number_id"]
        known = self._world.customers.find(phone_number_id, request.path_params["customer"])
        return self._world.numbers.get(phone_number_id), known

    def _problem(self, says: str, *, status: int = 422) -> Response:
        return self._page("problem.html", status, says=says)

    def _page(self, name: str, status: int = 200, **values: Any) -> Response:
        page = self._pages.get_template(name).render(**values)
        return HTMLResponse(page, status, headers={"content-security-policy": _POLICY})


def _address(conversation: Conversation) -> str:
    return f"/conversations/{conversation.phone_number_id}/{conversation.customer}"


def _context(form: FormData, number: Number) -> dict[str, Any]:
    """A tap and a reply say what they are to."""
    to = _word(form, "to")
    if not to or _word(form, "kind") == "reaction":
        return {}
    return {"context": {"from": number.display_phone_number, "id": to}}


def _word(form: FormData, name: str) -> str:
    value = form.get(name, "")
    return value.strip() if isinstance(value, str) else ""


def _degrees(form: FormData, name: str) -> float:
    """Degrees; what is a number in no webhook is none here."""
    if not math.isfinite(degrees := float(_needed(form, name))):
        raise ValueError(name)
    return degrees


def _needed(form: FormData, name: str) -> str:
    if not (found := _word(form, name)):
        raise ValueError(name)
    return found
