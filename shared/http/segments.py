"""Addresses are routed undecoded, so that an id with a slash stays one segment: `/v1/customers/a%2Fb` names
the customer `a/b`.

The server decodes a path before it is matched. Here it is decoded again from its raw form, segment by
segment, with `%` and `/` of a segment left as `%25` and `%2F`; a parameter of a route gets them back when its
segment has been matched.
"""

from urllib.parse import unquote_to_bytes

from starlette.convertors import StringConvertor, register_url_convertor


def undecoded(raw_path: bytes) -> str:
    """The path to route by. Bytes that are no UTF-8 become U+FFFD, which no name is found by."""
    return "/".join(
        unquote_to_bytes(segment).decode(errors="replace").replace("%", "%25").replace("/", "%2F")
        for segment in raw_path.split(b"/")
    )


class Segment(StringConvertor):
    """A parameter of a path: one segment, as it was meant."""

    def convert(self, value: str) -> str:
        return value.replace("%2F", "/").replace("%25", "%")


# Before any route is made: whoever makes one imports `requires` of shared.http.keys, and that imports this.
register_url_convertor("str", Segment())
