"""The stylesheet, the scripts and the icon, as one process serves them: each under the hash of its content, so that a
browser may keep it for ever and never has an old one."""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).parents[1] / "static"
MEDIA: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_DIGITS: Final = 16


@dataclass(frozen=True, slots=True)
class Asset:
    """A file, as it is and compressed. `address` changes whenever its content does."""

    address: str
    media: str
    content: bytes
    compressed: bytes


@cache
def assets() -> Mapping[str, Asset]:
    """All that is served, by its path in the folder."""
    paths = sorted(path for path in FOLDER.rglob("*") if path.suffix in MEDIA)
    return {path.relative_to(FOLDER).as_posix(): _read(path) for path in paths}


@cache
def by_address() -> Mapping[str, Asset]:
    return {asset.address: asset for asset in assets().values()}


def address_of(name: str) -> str:
    """Where a file is served; KeyError for one that is not there."""
    return assets()[name].address


def _read(path: Path) -> Asset:
    content = path.read_bytes()
    digest = hashlib.sha256(content).hexdigest()[:_DIGITS]
    return Asset(
        f"/static/{digest}/{path.name}", MEDIA[path.suffix], content, gzip.compress(content, 9, mtime=0)
    )
