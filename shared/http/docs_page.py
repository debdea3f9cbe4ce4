"""/docs, where the root leads to: the routes to read and to try, without the internet. Its files come from
the package `swagger_ui`.

They need no key, so each is in memory once, however many callers ask for it and do not take it.
"""

from functools import cache
from importlib.resources import files
from typing import Annotated

import msgspec
from fastapi import APIRouter, FastAPI, Path
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse, RedirectResponse, Response

STATIC = files("swagger_ui") / "static"
FILES = {
    "swagger-ui.css": "text/css",
    "swagger-ui-bundle.js": "text/javascript",
    "favicon-32x32.png": "image/png",
}
NAMES = f"^({'|'.join(name.replace('.', '[.]') for name in FILES)})$"
HEADERS = {"Cache-Control": "public, max-age=86400", "X-Content-Type-Options": "nosniff"}


def docs_page(app: FastAPI) -> APIRouter:
    """The page, its files and the document they show, themselves not in it."""
    router = APIRouter(include_in_schema=False)

    @cache
    def document() -> bytes:
        return msgspec.json.encode(app.openapi())

    @router.get("/")
    async def root() -> RedirectResponse:
        return RedirectResponse("docs", status_code=303)

    @router.get("/openapi.json")
    async def openapi() -> Response:
        return Response(document(), media_type="application/json")

    @router.get("/docs")
    async def page() -> HTMLResponse:
        return get_swagger_ui_html(
            openapi_url="openapi.json",
            title=app.title,
            swagger_js_url="docs/swagger-ui-bundle.js",
            swagger_css_url="docs/swagger-ui.css",
            swagger_favicon_url="docs/favicon-32x32.png",
        )

    @router.get("/docs/{name}")
    async def file(name: Annotated[str, Path(pattern=NAMES)]) -> Response:
        return Response(_content(name), media_type=FILES[name], headers=HEADERS)

    return router


@cache
def _content(name: str) -> bytes:
    return (STATIC / name).read_bytes()
