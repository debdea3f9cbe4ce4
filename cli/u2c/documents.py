"""Documents people write (YAML or JSON) as the data an API takes, read from a file as the API reads a body."""

from pathlib import Path
from typing import Any

import typer

from shared.documents.faults import UNREADABLE
from shared.documents.reading import read_document, read_value


def terms_in(path: Path) -> dict[str, Any]:
    """Return the file's terms document; one that the API would refuse to read ends the verb as wrong usage,
    with the place."""
    try:
        return read_document(path.read_bytes(), _media(path))
    except UNREADABLE as fault:
        raise typer.BadParameter(f"{path}: {fault.detail}", param_hint="FILE") from fault


def load_document(path: Path) -> Any:
    """Return what the file holds. Raises what `read_value` does."""
    return read_value(path.read_bytes(), _media(path))


def _media(path: Path) -> str:
    return "application/json" if path.suffix == ".json" else "application/yaml"
