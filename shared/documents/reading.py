"""A document as it comes in: YAML or JSON, read strictly, into plain values."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Never

from shared.documents.faults import DocumentTypeUnsupported, DocumentUnreadable
from shared.documents.written_number import WrittenNumber
from shared.documents.yaml_document import DEPTH_MAX, read_yaml

NODES_MAX = 50_000
YAML_TYPES = frozenset({"application/yaml", "application/x-yaml", "text/yaml", "text/x-yaml"})
JSON_TYPES = frozenset({"application/json", ""})


def read_document(body: bytes, content_type: str) -> dict[str, Any]:
    """Return the mapping of a terms document; it may take half a second, so not on the event loop.

    Raises DocumentUnreadable with the place, DocumentTypeUnsupported for other media types, YamlTooLarge and
    YamlTagRefused.
    """
    document = _parsed(body, content_type)
    if not isinstance(document, dict):
        raise DocumentUnreadable(
            "a terms document is a mapping: contract, customer, currency, timezone, term, lines, …"
        )
    _bounded(document)
    return document


def read_value(body: bytes, content_type: str) -> object:
    """Return what a document holds that need not be a mapping; errors and time as `read_document`."""
    document = _parsed(body, content_type)
    _bounded(document)
    return document


def read_exactly(body: bytes, content_type: str) -> object:
    """Return what a JSON document holds, each number with a point or an exponent as a `WrittenNumber`. Raises
    DocumentUnreadable and DocumentTypeUnsupported; time as `read_document`."""
    media = content_type.partition(";")[0].strip().lower()
    if media not in JSON_TYPES:
        raise DocumentTypeUnsupported(f"{media} is not read here; send application/json")
    document = _decoded(body, lambda text: _json(text, WrittenNumber))
    _bounded(document)
    return document


def _parsed(body: bytes, content_type: str) -> object:
    media = content_type.partition(";")[0].strip().lower()
    if media not in YAML_TYPES | JSON_TYPES:
        raise DocumentTypeUnsupported(f"{media} is not read here; send application/json or application/yaml")
    return _decoded(body, read_yaml if media in YAML_TYPES else _json)


def _decoded(body: bytes, read: Callable[[str], object]) -> object:
    try:
        return read(body.decode("utf-8-sig"))
    except UnicodeDecodeError as fault:
        raise DocumentUnreadable(f"byte {fault.start} is not UTF-8") from None
    except RecursionError:
        raise DocumentUnreadable(f"the document is nested deeper than {DEPTH_MAX} levels") from None


def _json(text: str, number: Callable[[str], float] = float) -> object:
    try:
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_not_a_number, parse_float=number)
    except ValueError as fault:
        raise DocumentUnreadable(
            f"not JSON: {str(fault)[:200]}; mend it, or send YAML as Content-Type: application/yaml"
        ) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise DocumentUnreadable(
            f"the key {_repeated(pairs)[:60]!r} is written twice in one mapping; which one holds would be a guess"
        )
    return found


def _repeated(pairs: list[tuple[str, Any]]) -> str:
    """The first key that was there before, found in one pass: an object may have a hundred thousand keys."""
    seen: set[str] = set()
    for key, _value in pairs:
        if key in seen:
            return key
        seen.add(key)
    raise AssertionError("asked only of pairs that hold a key twice")


def _not_a_number(name: str) -> Never:
    raise DocumentUnreadable(f"{name} is not a number of JSON")


def _bounded(document: object) -> None:
    """Refuse what is too deep, too large, or holds a value JSON cannot hold, before anything walks it
    again."""
    level, nodes = [document], 0
    for _ in range(DEPTH_MAX):
        nodes += len(level)
        if nodes > NODES_MAX:
            raise DocumentUnreadable(f"the document holds more than {NODES_MAX} values")
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise DocumentUnreadable(f"the document is nested deeper than {DEPTH_MAX} levels")


def _children(node: object) -> list[Any]:
    if isinstance(node, Mapping):
        if any(not isinstance(key, str) for key in node):
            raise DocumentUnreadable("keys are text; quote a key that looks like a number or a truth value")
        return list(node.values())
    if isinstance(node, list):
        return node
    if not isinstance(node, str | int | float | bool | None):
        raise DocumentUnreadable(f"a value of type {type(node).__name__} has no meaning in terms")
    return []
