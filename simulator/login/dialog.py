"""`/{version}/dialog/oauth`: the popup of the SDK, and the dialog that redirects."""

from collections import deque
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from jinja2 import Environment, FileSystemLoader
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from simulator.login.endings import EndingOrder, Login, end_login
from simulator.login.forms import Asked, chosen
from simulator.login.messages import posts
from simulator.pages import file_of
from simulator.world import World

_HERE = Path(__file__).parent
_FILES = {"popup.css": "text/css", "popup.js": "text/javascript", "sdk.js": "text/javascript"}
_POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src data:; base-uri 'none'"


class Dialog:
    """The login of one world."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.presets: deque[EndingOrder] = deque()
        self.logins: list[Login] = []
        self._pages = Environment(loader=FileSystemLoader(_HERE / "templates"), autoescape=True)

    def routes(self) -> list[Route]:
        """The dialog and its files."""
        return [
            Route("/{version:version}/dialog/oauth", self.show, methods=["GET"]),
            Route("/{version:version}/dialog/oauth", self.choose, methods=["POST"]),
            Route("/sdk.js", self.file, methods=["GET"]),
            Route("/dialog/{name}", self.file, methods=["GET"]),
        ]

    async def file(self, request: Request) -> Response:
        """The SDK, and what the popup is made of."""
        name = request.path_params.get("name", "sdk.js")
        return file_of(_HERE / "files", _FILES, name)

    async def show(self, request: Request) -> Response:
        """The page with every ending; or the end at once, if a test has preset it."""
        asked = Asked.of(request.query_params)
        if refused := self._refused(asked):
            return refused
        if self.presets and self.presets[0].auto:
            return self._end(asked, self.presets.popleft())
        preset = self.presets[0] if self.presets else None
        return self._page("dialog.html", asked=asked, world=self._world, preset=preset)

    async def choose(self, request: Request) -> Response:
        """End as a person chose."""
        form = parse_qs((await request.body()).decode(errors="replace"), keep_blank_values=True)
        asked = Asked.of({name: values[0] for name, values in form.items()})
        if refused := self._refused(asked):
            return refused
        if form.get("ending") == ["preset"] and self.presets:
            return self._end(asked, self.presets.popleft())
        try:
            order = chosen(form)
        except ValidationError:
            return self._page("refused.html", 422, title="PIN not understood", says="A two-step PIN has six digits.")
        return self._end(asked, order)

    def _refused(self, asked: Asked) -> Response | None:
        problem = asked.problem(self._world.config.app_id, self._world.assets.app.redirect_uris)
        return self._page("refused.html", 400, title=problem[0], says=problem[1]) if problem else None

    def _end(self, asked: Asked, order: EndingOrder) -> Response:
        login = end_login(self._world, order, redirect_uri=asked.redirect_uri)
        self.logins.append(login)
        if asked.redirect_uri is not None:
            return RedirectResponse(_with(asked.redirect_uri, _answer(order, login, asked)), 303)
        messages = posts(order, login, callback_id=asked.fields["cb"], now=self._world.clock.now())
        return self._page("ended.html", login=login, posts=messages, origin=asked.fields["origin"])

    def _page(self, name: str, status: int = 200, **values: Any) -> Response:
        return HTMLResponse(
            self._pages.get_template(name).render(**values), status, headers={"content-security-policy": _POLICY}
        )


def _answer(order: EndingOrder, login: Login, asked: Asked) -> dict[str, str]:
    state = {"state": asked.fields["state"]} if "state" in asked.fields else {}
    if login.code is not None:
        return {"code": login.code} | state
    if order.kind == "error":
        return {"error_code": "1349126", "error_message": "App not active"} | state
    refused = {"error": "access_denied", "error_code": "200", "error_description": "Permissions error"}
    return refused | {"error_reason": "user_denied"} | state


def _with(uri: str, answer: dict[str, str]) -> str:
    return f"{uri}{'&' if urlsplit(uri).query else '?'}{urlencode(answer)}"
