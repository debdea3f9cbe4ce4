"""A document is read by one reader: what the API refuses to read, the command line refuses alike."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import typer

from shared.documents.faults import UNREADABLE
from shared.documents.reading import read_document
from tests.services.rating.contracts.test_contracts import UNREADABLE as HOSTILE
from u2c.documents import terms_in

TERMS = "contract: acme\nlines:\n  - {key: api, kind: usage, meter: calls, included: 1:30}\n"
FILES = {
    "application/yaml": "terms.yaml",
    "application/json": "terms.json",
}


def test_an_allowance_in_base_60_is_refused_at_the_door_and_by_the_command_line(tmp_path: Path) -> None:
    """YAML 1.1 reads 1:30 as 90: nobody who writes it means ninety units."""
    file = tmp_path / "terms.yaml"
    file.write_text(TERMS)
    with pytest.raises(UNREADABLE, match="line 3: '1:30' is not a plain decimal number"):
        read_document(TERMS.encode(), "application/yaml")
    with pytest.raises(typer.BadParameter, match="line 3: '1:30' is not a plain decimal number"):
        terms_in(file)


@pytest.mark.parametrize("name", sorted(HOSTILE))
def test_the_command_line_reads_what_the_door_reads(name: str, tmp_path: Path) -> None:
    body, media, _status = HOSTILE[name]
    if media not in FILES:
        pytest.skip("a file has no media type")
    file = tmp_path / FILES[media]
    file.write_bytes(body)
    at_the_door, typed = _told(lambda: read_document(body, media)), _told(lambda: terms_in(file))
    assert typed == at_the_door


def _told(read: Callable[[], dict[str, Any]]) -> str:
    """What was read, or why not."""
    try:
        return json.dumps(read())
    except UNREADABLE as fault:
        return fault.detail
    except typer.BadParameter as refused:
        return refused.message.partition(": ")[2]
