"""What a backup says of itself: whose book, when, on which bus, and the digest of each of its files. It holds
no secret."""

import hashlib
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.environment_fault import EnvironmentFault

NAME, BOOK = "backup.json", "book"
FORMAT = 1
PART = 1 << 20


@dataclass(frozen=True)
class Manifest:
    """`positions` are the consumers' own, group → topic → partition → offset; `secret_digest` tells whether
    secrets sealed in it can be opened."""

    database: str
    #: RFC 3339, UTC, machine clock: what the snapshot holds was committed by then.
    taken_at: str
    bus: str  # postgres | kafka
    cluster_id: str
    server: str  # version of Postgres
    migrations: dict[str, str]  # schema → revision
    positions: dict[str, dict[str, dict[str, int]]]
    secret_digest: str
    files: dict[str, str]  # below `book` → SHA-256
    format: int = FORMAT


def secret_digest(secret: str) -> str:
    """A trace of the deployment's secret that tells two apart and gives none away: they are long and
    random."""
    return hashlib.sha256(b"u2c backup\0" + secret.encode()).hexdigest()[:16]


def digests(folder: Path) -> dict[str, str]:
    """File → SHA-256, for every file of the book."""
    return {
        str(path.relative_to(folder)): _digest(path) for path in sorted(folder.rglob("*")) if path.is_file()
    }


def write(folder: Path, manifest: Manifest) -> None:
    (folder / NAME).write_text(json.dumps(asdict(manifest), indent=1) + "\n")


def read(folder: Path) -> Manifest:
    """The manifest of a whole and unchanged backup, or EnvironmentFault."""
    try:
        found: dict[str, Any] = json.loads((folder / NAME).read_text())
    except (OSError, ValueError) as error:
        raise EnvironmentFault(
            f"{folder} is no backup: {NAME} cannot be read ({error}).",
            "Name the folder that ./u2c backup made.",
        ) from error
    if found.get("format") != FORMAT:
        raise EnvironmentFault(
            f"{folder} is a backup of format {found.get('format')}; this version reads {FORMAT}.",
            "Restore it with the version that made it, then upgrade.",
        )
    manifest, there = Manifest(**found), digests(folder / BOOK)
    if there != manifest.files:
        wrong = sorted(
            name
            for name in there.keys() | manifest.files.keys()
            if there.get(name) != manifest.files.get(name)
        )
        raise EnvironmentFault(
            f"{folder} is not as it was made: {', '.join(wrong[:3])} of {len(wrong)}.", "Use another backup."
        )
    return manifest


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as handle:
        while part := handle.read(PART):
            digest.update(part)
    return digest.hexdigest()
