"""GET /static/{digest}/{name}: the console's own files, and no others."""

from fastapi import APIRouter, Request, Response

import shared.http.segments  # noqa: F401  before a route is made
from services.console.assets.memory import by_address
from shared.errors import AppError, Kind, refuses

router = APIRouter(prefix="/static", include_in_schema=False)
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable", "Vary": "Accept-Encoding"}


class AssetNotFound(AppError):
    """The console has no such file."""

    kind = Kind.NOT_FOUND


@router.get("/{digest}/{name}")
@refuses(AssetNotFound)
async def get_asset(request: Request, digest: str, name: str) -> Response:
    asset = by_address().get(f"/static/{digest}/{name}")
    if asset is None:
        raise AssetNotFound("its content has changed, or it never was one; reload the page")
    if "gzip" in request.headers.get("accept-encoding", ""):
        return Response(
            asset.compressed, headers={**FOR_EVER, "Content-Encoding": "gzip"}, media_type=asset.media
        )
    return Response(asset.content, headers=FOR_EVER, media_type=asset.media)
