"""Where the proof of a value or a signal lies: a service and the path to ask there, with a key of the
caller's."""

from typing import Literal, TypedDict
from urllib.parse import quote, urlencode

#: So many days of activity are shown at once.
ACTIVITY_DAYS_MAX = 400
Keeper = Literal["usage_ingest", "rating", "billing", "signals"]


class Evidence(TypedDict):
    service: Keeper
    path: str


def evidence_at(service: Keeper, *path: str, **asked: str) -> Evidence:
    """Return {"service": …, "path": …}: the path below /v1, its parts and the query escaped."""
    query = f"?{urlencode(asked, safe=':')}" if asked else ""
    return {"service": service, "path": "/".join(["/v1", *(quote(part, safe="") for part in path)]) + query}
