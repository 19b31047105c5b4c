"""Renders the templates: everything escaped, every page with the same headers and the same frame around it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from api.console import words
from api.console.policy import page_headers
from store.sessions import Session

HERE = Path(__file__).parent
STATIC = "/console/static"


class Pages:
    """The console's templates."""

    def __init__(self) -> None:
        self._environment = Environment(
            loader=FileSystemLoader(HERE / "templates"),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._environment.filters |= {
            "ago": words.ago,
            "until": words.until,
            "exactly": words.exactly,
            "count": words.count,
            "meta_word": words.meta_word,
        }
        self._environment.globals["static"] = STATIC

    def show(
        self,
        request: Request,
        template: str,
        *,
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        session: Session | None = None,
        csrf: str = "",
        **values: Any,
    ) -> Response:
        """A page; `session` puts the navigation of whoever is signed in above it, `csrf` goes into its forms."""
        page = self.render(template, path=request.url.path, session=session, csrf=csrf, **values)
        return HTMLResponse(page, status, headers=page_headers() | dict(headers or {}))

    def render(
        self, template: str, *, path: str = "", session: Session | None = None, csrf: str = "", **values: Any
    ) -> str:
        """A page's HTML."""
        frame = {"path": path, "session": session, "csrf": csrf}
        return self._environment.get_template(template).render(frame | values)
