"""Contracts to start from, a YAML document a shape: each applies as it stands, for a customer and a meter that exist."""

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import Final

SHAPES: Final[Mapping[str, Path]] = {file.stem: file for file in sorted(Path(__file__).parent.glob("*.yaml"))}
"""Shape → its document, in which $CUSTOMER, $METER and $START stand for what is told."""


def contract_of(shape: str, customer: str, meter: str, start: date) -> str:
    """Return the document of a shape, as people edit it and `u2c contract apply` takes it."""
    written = SHAPES[shape].read_text()
    for name, value in {"$CUSTOMER": customer, "$METER": meter, "$START": start.isoformat()}.items():
        written = written.replace(name, value)
    return written
