"""YAML as terms are written in: plain values and nothing that unfolds, in time that grows with the text.

It is read from the parser's events, libyaml's where there is one, and never constructed by PyYAML: that
counts in base 60, follows tags to constructors that crash, and unfolds a few lines of anchors into gigabytes.
"""

import re
from collections.abc import Iterator
from typing import Any, Final

import yaml
from yaml.constructor import SafeConstructor
from yaml.resolver import Resolver

from shared.documents.faults import DocumentUnreadable, YamlTagRefused, YamlTooLarge

#: A contract of a hundred lines is a tenth of it.
YAML_MAX_BYTES: Final = 64 * 1024
DEPTH_MAX: Final = 40
NUMBER_MAX_CHARACTERS: Final = 64
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_RESOLVER: Final[Any] = Resolver()
_WHOLE: Final = re.compile(r"[-+]?(0|[1-9][0-9_]*)", re.ASCII)
_PREFIX: Final = "tag:yaml.org,2002:"
_OWN_TAG: Final[dict[type[Any], str]] = {
    yaml.ScalarEvent: _PREFIX + "str",
    yaml.SequenceStartEvent: _PREFIX + "seq",
    yaml.MappingStartEvent: _PREFIX + "map",
}


def read_yaml(text: str) -> object:
    """Return the one document's value; dates and instants stay text, as in JSON. Raises DocumentUnreadable,
    YamlTagRefused, YamlTooLarge."""
    size_bytes = len(text.encode())
    if size_bytes > YAML_MAX_BYTES:
        raise YamlTooLarge(
            f"{size_bytes} bytes of YAML were sent, at most {YAML_MAX_BYTES} are taken; send it as application/json"
        )
    try:
        return _document(iter(yaml.parse(text, _LOADER)))
    except (yaml.YAMLError, ValueError, OverflowError) as fault:
        raise DocumentUnreadable(f"not YAML: {' '.join(str(fault).split())[:300]}") from None


def _document(events: Iterator[yaml.Event]) -> object:
    next(events)  # the stream's start
    if isinstance(next(events), yaml.StreamEndEvent):
        return None
    value = _value(next(events), events, DEPTH_MAX)
    next(events)  # the document's end
    if not isinstance(event := next(events), yaml.StreamEndEvent):
        raise DocumentUnreadable(f"line {_line(event)}: a second document begins; send one at a time")
    return value


def _value(event: Any, events: Iterator[yaml.Event], depth_left: int) -> object:
    """The value that begins with this event; takes its other events."""
    if isinstance(event, yaml.AliasEvent) or event.anchor:
        raise DocumentUnreadable(
            f"line {_line(event)}: anchors and aliases are not taken; write the clause out"
        )
    if event.tag not in (None, _OWN_TAG[type(event)]):
        tag = event.tag.replace(_PREFIX, "!!")[:60]
        raise YamlTagRefused(
            f"line {_line(event)}: the tag {tag!r} is not taken; write the value plainly, or as text in quotes"
        )
    if isinstance(event, yaml.ScalarEvent):
        return _scalar(event) if event.tag is None and event.implicit[0] else event.value
    if depth_left == 0:
        raise DocumentUnreadable(f"line {_line(event)}: nested deeper than {DEPTH_MAX} levels")
    if isinstance(event, yaml.SequenceStartEvent):
        return [_value(item, events, depth_left - 1) for item in _until(yaml.SequenceEndEvent, events)]
    return _mapping(events, depth_left - 1)


def _mapping(events: Iterator[yaml.Event], depth_left: int) -> dict[str, object]:
    found: dict[str, object] = {}
    for event in _until(yaml.MappingEndEvent, events):
        key = _value(event, events, depth_left)
        if not isinstance(key, str):
            raise DocumentUnreadable(
                f"line {_line(event)}: keys are text; quote a key that looks like a number or a truth value"
            )
        if key in found:
            raise DocumentUnreadable(
                f"line {_line(event)}: the key {key[:60]!r} is written twice in one mapping; which one holds would be a guess"
            )
        found[key] = _value(next(events), events, depth_left)
    return found


def _until(end: type[yaml.Event], events: Iterator[yaml.Event]) -> Iterator[yaml.Event]:
    """The first events of a collection's items: whoever takes one takes the item's other events too."""
    while not isinstance(event := next(events), end):
        yield event


def _scalar(event: yaml.ScalarEvent) -> object:
    """A plain scalar by YAML 1.1, where that is one thing to everybody."""
    text = event.value
    match _RESOLVER.resolve(yaml.ScalarNode, text, (True, False)).removeprefix(_PREFIX):
        case "null":
            return None
        case "bool":
            return SafeConstructor.bool_values[text.lower()]
        case "int" if _WHOLE.fullmatch(text) and len(text) <= NUMBER_MAX_CHARACTERS:
            return int(text.replace("_", ""))
        case "float" if (
            not re.search(r":|inf|nan", text, re.IGNORECASE) and len(text) <= NUMBER_MAX_CHARACTERS
        ):
            # Refused where money or a quantity is meant, with its path.
            return float(text.replace("_", ""))
        case "int" | "float":
            raise DocumentUnreadable(
                f"line {_line(event)}: {text[:40]!r} is not a plain decimal number; write it in decimal digits, or in quotes"
            )
        case "merge":
            raise DocumentUnreadable(
                f"line {_line(event)}: merging with << is not taken; write the clause out"
            )
        case _:
            return text


def _line(event: yaml.Event) -> int:
    assert event.start_mark is not None
    return event.start_mark.line + 1
