"""What every page of the simulator is made of: one look, and how files beside a page are given out."""

from collections.abc import Mapping
from pathlib import Path

from starlette.requests import Request
from starlette.responses import FileResponse, Response
from starlette.routing import Route

_HERE = Path(__file__).parent


def file_of(folder: Path, types: Mapping[str, str], name: str) -> Response:
    """A file of a folder, of those that have a type here; 404 for any other name."""
    if name not in types:
        return Response(status_code=404)
    return FileResponse(folder / name, media_type=types[name], headers={"cache-control": "no-cache"})


def base_route() -> Route:
    """`/base.css`: colours, type and focus, before a page's own style."""
    return Route("/base.css", _base, methods=["GET"])


async def _base(_: Request) -> Response:
    return file_of(_HERE, {"base.css": "text/css"}, "base.css")
