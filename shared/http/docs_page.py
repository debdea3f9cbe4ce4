"""/docs: the routes to read and to try, without the internet. The page's files come from the installed package `swagger_ui`."""

from importlib.resources import files
from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, Response

STATIC = files("swagger_ui") / "static"
FILES = {"swagger-ui.css": "text/css", "swagger-ui-bundle.js": "text/javascript", "favicon-32x32.png": "image/png"}
NAMES = f"^({'|'.join(name.replace('.', '[.]') for name in FILES)})$"
HEADERS = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}


def docs_page(title: str, openapi_url: str) -> APIRouter:
    """The page and its files, themselves in no OpenAPI document."""
    router = APIRouter(prefix="/docs", include_in_schema=False)

    @router.get("")
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url=openapi_url, title=title, swagger_js_url="docs/swagger-ui-bundle.js", swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="docs/favicon-32x32.png",
        )

    @router.get("/{name}")
    async def file(name: Annotated[str, Path(pattern=NAMES)]) -> Response:
        return Response((STATIC / name).read_bytes(), media_type=FILES[name], headers=HEADERS)

    return router
