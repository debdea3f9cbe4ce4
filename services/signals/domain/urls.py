"""A webhook's URL is a secret: what may be shown of it, and texts of others with the rest taken out."""

from collections.abc import Iterator
from urllib.parse import unquote, urlsplit

HIDDEN = "…"
#: A part of a path or query as long as this is taken for a secret wherever it turns up.
TOKEN_CHARS_MIN = 12


def masked(url: str) -> str:
    """Scheme and host of the URL, the port where it has one; never its path or query, which is what lets
    anybody post."""
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}/{HIDDEN}"


def scrubbed(text: str, url: str) -> str:
    """The text without what `masked` hides, as a receiver's answer may repeat it."""
    for secret in sorted(set(_hidden(url)), key=len, reverse=True):
        text = text.replace(secret, HIDDEN)
    return text


def _hidden(url: str) -> Iterator[str]:
    parts = urlsplit(url)
    path = parts.path if len(parts.path) > 1 else ""
    whole = f"{path or '/'}?{parts.query}" if parts.query else path
    tokens = [
        *path.split("/"),
        *parts.query.split("&"),
        *(value.partition("=")[2] for value in parts.query.split("&")),
    ]
    for found in (whole, path, *(token for token in tokens if len(token) >= TOKEN_CHARS_MIN)):
        yield from filter(None, (found, unquote(found)))
