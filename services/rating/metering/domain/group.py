"""A group: the values of a meter's dimensions, as the canonical JSON text that keys the aggregates."""

import msgspec

GroupKey = str
NO_GROUP: GroupKey = "{}"
#: Where groups beyond the limit go; no dimension may be called "other".
OTHER: GroupKey = '{"other":"true"}'
_encode = msgspec.json.Encoder(order="sorted").encode
_decoder = msgspec.json.Decoder(dict[str, str])


def group_of(dimensions: dict[str, str]) -> GroupKey:
    """Return the text: keys sorted, no spaces."""
    return _encode(dimensions).decode()


def dimensions_of(group: GroupKey) -> dict[str, str]:
    """Return dimension → value ("" where the event had none)."""
    return _decoder.decode(group)
