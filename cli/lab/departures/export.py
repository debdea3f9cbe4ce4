"""Finalized documents as files, one JSON a document."""

from pathlib import Path
from typing import Any

import msgspec

from shared.environment_fault import EnvironmentFault

FIELDS = (
    "id",
    "number",
    "kind",
    "customer",
    "contract",
    "currency",
    "period",
    "occasion",
    "issued_on",
    "lines",
    "subtotal",
    "draws",
    "total",
    "corrects",
)
LINE_FIELDS = (
    "id",
    "key",
    "contract",
    "period",
    "clause",
    "version",
    "kind",
    "quantity",
    "amount",
    "tax_class",
    "corrects",
    "steps",
)


def prepare_folder(folder: Path) -> None:
    """Make the folder; refuse one that holds something already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        taken = any(folder.iterdir())
    except OSError as fault:
        raise EnvironmentFault(
            f"Cannot export to {folder}: {fault.strerror}.", "Name a folder you may write to: --export DIR"
        ) from fault
    if taken:
        raise EnvironmentFault(f"{folder} is not empty.", "Name a new or empty folder: --export DIR")


def export(folder: Path, documents: list[dict[str, Any]]) -> None:
    """Write each document as `<id>.json`."""
    for document in documents:
        lines = [{field: line[field] for field in LINE_FIELDS} for line in document["lines"]]
        shown = {field: document[field] for field in FIELDS} | {"lines": lines}
        (folder / f"{document['id']}.json").write_bytes(
            msgspec.json.format(msgspec.json.encode(shown), indent=1) + b"\n"
        )
