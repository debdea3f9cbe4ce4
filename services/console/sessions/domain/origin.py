"""Whether a changing request comes from the console's own pages."""

from urllib.parse import urlsplit


def is_own(own: str, fetch_site: str | None, origin: str | None) -> bool:
    """`own` is the console's origin as it was asked: `https://host:port`.

    A browser says by Sec-Fetch-Site, which no page can set, where a request came from; an older one says by Origin.
    Who says neither is refused; who says both must be right by both.
    """
    if fetch_site is not None and fetch_site != "same-origin":
        return False
    if origin is None or origin == "null":
        return fetch_site is not None
    return _plain(origin) == _plain(own)


def _plain(origin: str) -> tuple[str, str | None, int | None] | None:
    """Scheme, host and port; None for what has no port that can be."""
    try:
        parts = urlsplit(origin)
        return parts.scheme, parts.hostname, parts.port or {"http": 80, "https": 443}.get(parts.scheme)
    except ValueError:
        return None
