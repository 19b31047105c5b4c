"""The control API's description as a page, with nothing fetched from elsewhere: FastAPI's own asks a CDN."""

from fastapi.openapi.docs import get_swagger_ui_html
from starlette.requests import Request
from starlette.responses import HTMLResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

_FILES = "/docs/files"


def described_routes() -> list[BaseRoute]:
    """`/docs`, and Swagger UI's files, which the package `fastapi-swagger` carries."""
    files = StaticFiles(packages=[("fastapi_swagger", "resources")])
    return [Mount(_FILES, files), Route("/docs", _docs, methods=["GET"])]


async def _docs(_: Request) -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Holdfast simulator",
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url=f"{_FILES}/favicon-32x32.png",
    )
