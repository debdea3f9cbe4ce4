"""Addresses of the console's own pages. Nothing on a page leads anywhere else, whatever it was made from."""

import re
from collections.abc import Mapping
from urllib.parse import quote, urlencode

_LOCAL = re.compile(r"/(?:[!-.0-\[\]-~][!-\[\]-~]*)?", re.ASCII)


def address(*parts: str, **asked: str) -> str:
    """A path of parts, each as it is whatever it has in it, and what is asked of it; what is empty is left out."""
    return with_query("/" + "/".join(quote(part, safe="", errors="replace") for part in parts), asked)


def with_query(path: str, asked: Mapping[str, str]) -> str:
    query = urlencode({name: value for name, value in asked.items() if value}, errors="replace")
    return f"{path}?{query}" if query else path


def onward(here: str, cursor: str) -> str:
    """The next page of a list that is shown `here`."""
    return f"{here}{'&' if '?' in here else '?'}{urlencode({'cursor': cursor})}"


def local(text: str) -> str:
    """The address, where it leads to a page of the console. Raises ValueError for any other: another host's, by two
    slashes too, `javascript:`, or one with characters that browsers take out."""
    if not _LOCAL.fullmatch(text):
        raise ValueError(f"{text[:60]!r} is no address of the console")
    return text
