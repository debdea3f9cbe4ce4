"""Files of usage events as CloudEvents: CSV with `data.*` columns, a JSON array, or NDJSON. Read as they are;
the door judges them."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

CORE = ("source", "id", "type", "subject", "time")
CSV_FIELD_MAX = 1024 * 1024


class UnreadableFile(Exception):
    """The file is not what it claims to be. The message names the line and the remedy."""


def read_events(path: Path) -> Iterator[tuple[bytes, int]]:
    """Each event as JSON bytes, with the count of bytes of the file read so far (for a progress bar)."""
    if path.suffix.lower() == ".csv":
        yield from _csv(path)
    elif _first_sign(path) == b"[":
        yield from _array(path)
    else:
        yield from _lines(path)


def _csv(path: Path) -> Iterator[tuple[bytes, int]]:
    csv.field_size_limit(CSV_FIELD_MAX)
    with open(path, encoding="utf-8-sig", newline="") as handle:
        rows = csv.DictReader(handle, strict=True)
        names = rows.fieldnames or []
        if missing := [name for name in CORE if name not in names]:
            raise UnreadableFile(
                f"{path} has no column {', '.join(missing)}; a CSV needs {', '.join(CORE)} and data.* columns"
            )
        if unknown := [name for name in names if name not in CORE and not name.startswith("data.")]:
            raise UnreadableFile(
                f"{path} has the column {unknown[0]!r}, which means nothing; write data.{unknown[0]}"
            )
        try:
            for row in rows:
                yield (
                    json.dumps(_event(row, path, rows.line_num), ensure_ascii=False).encode(
                        "utf-8", "surrogatepass"
                    ),
                    _position(handle),
                )
        except (csv.Error, UnicodeDecodeError) as error:
            raise UnreadableFile(f"{path}, line {rows.line_num}: {error}") from error


def _position(handle: TextIO) -> int:
    """Bytes taken from the file so far; the text layer itself cannot tell while it is iterated."""
    return handle.buffer.tell()


def _event(row: dict[str, str | None], path: Path, line: int) -> dict[str, object]:
    """An empty cell is an attribute that is not there. Numbers stay the text that was written."""
    if None in row or None in row.values():
        raise UnreadableFile(f"{path}, line {line}: the row has not as many cells as the header")
    event: dict[str, object] = {"specversion": "1.0"}
    data: dict[str, object] = {}
    for name, cell in row.items():
        if cell == "" or cell is None:
            continue
        if name in CORE:
            event[name] = cell
        else:
            _put(data, name.removeprefix("data.").split("."), cell)
    return {**event, "data": data}


def _put(data: dict[str, object], names: list[str], cell: str) -> None:
    for name in names[:-1]:
        inner = data.setdefault(name, {})
        assert isinstance(inner, dict), f"data.{'.'.join(names)} is both a value and an object"
        data = inner
    data[names[-1]] = cell


def _array(path: Path) -> Iterator[tuple[bytes, int]]:
    """The elements' own text is sent on, so that a number is never rounded on the way."""
    text = path.read_text(encoding="utf-8-sig")
    decoder, place = json.JSONDecoder(parse_float=str, parse_int=str, parse_constant=str), text.index("[") + 1
    while True:
        place = _skip(text, place)
        if text[place : place + 1] == "]":
            return
        try:
            _, end = decoder.raw_decode(text, place)
        except ValueError as error:
            raise UnreadableFile(f"{path}: {error}") from error
        yield text[place:end].encode(), int(path.stat().st_size * end / len(text))
        place = _skip(text, end)
        if text[place : place + 1] == ",":
            place += 1
        elif text[place : place + 1] != "]":
            raise UnreadableFile(f"{path}: a comma or ] is missing at character {place}")


def _skip(text: str, place: int) -> int:
    while place < len(text) and text[place] in " \t\r\n":
        place += 1
    return place


def _lines(path: Path) -> Iterator[tuple[bytes, int]]:
    with open(path, "rb") as handle:
        read = 0
        for number, line in enumerate(handle, 1):
            read += len(line)
            text = line.strip()
            if number == 1:
                text = text.removeprefix(b"\xef\xbb\xbf")
            if not text:
                continue
            try:
                json.loads(text)
            except ValueError as error:
                raise UnreadableFile(f"{path}, line {number}: {error}") from error
            yield text, read


def _first_sign(path: Path) -> bytes:
    with open(path, "rb") as handle:
        return handle.read(4096).removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
