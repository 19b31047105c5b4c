"""The API's own pages: its description, tried out in the browser, with nothing fetched from elsewhere."""

from fastapi import APIRouter
from fastapi.openapi.docs import get_swagger_ui_html
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

DOCS = "/docs"
_FILES = "/docs/files"

router = APIRouter()


def install_files(app: Starlette) -> None:
    """Serve Swagger UI's files, which the package `fastapi-swagger` carries."""
    app.mount(_FILES, StaticFiles(packages=[("fastapi_swagger", "resources")]), name="docs-files")


@router.get(DOCS, include_in_schema=False)
async def docs() -> HTMLResponse:
    """The description as a page."""
    return get_swagger_ui_html(
        openapi_url="/openapi.json",
        title="Holdfast API",
        swagger_js_url=f"{_FILES}/swagger-ui-bundle.js",
        swagger_css_url=f"{_FILES}/swagger-ui.css",
        swagger_favicon_url=f"{_FILES}/favicon-32x32.png",
        swagger_ui_parameters={"persistAuthorization": True, "displayRequestDuration": True},
    )
