"""What the API's documentation says of its errors."""

from typing import Any

_PROBLEM = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "code", "request_id"],
    "properties": {
        "type": {"type": "string"}, "title": {"type": "string"}, "status": {"type": "integer"},
        "detail": {"type": "string", "description": "Names the fault and the remedy"}, "instance": {"type": "string"},
        "code": {"type": "string"}, "request_id": {"type": "string"}, "errors": {"type": "array", "items": {"type": "object"}},
    },
}
_MEANINGS = {
    400: "The request cannot be read", 401: "No key, or one that is refused", 403: "The key lacks the scope", 404: "There is no such thing",
    409: "Its state forbids it", 413: "Too large", 415: "Content type or encoding not taken", 422: "Understood and refused",
    429: "Too much in flight; see Retry-After", 503: "Bus or database down; nothing was accepted, see Retry-After",
}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The documented error answers of a route (RFC 9457). Every route may answer 401, 403 and 503."""
    content = {"application/problem+json": {"schema": _PROBLEM}}
    return {status: {"description": _MEANINGS[status], "content": content} for status in sorted({401, 403, 503, *statuses})}
