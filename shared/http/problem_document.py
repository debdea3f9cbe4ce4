"""A problem as RFC 9457 has it, for whoever tells one without a web framework."""

from typing import Any

from shared.errors import AppError


def problem_document(
    error: AppError, status: int, instance: str = "", request_id: str = ""
) -> dict[str, Any]:
    """The error as RFC 9457 has it. A request whose head could not be read has no address and no id."""
    body: dict[str, Any] = {
        "type": f"urn:u2c:problem:{error.code}",
        "title": error.title,
        "status": status,
        "detail": error.detail,
        "instance": instance,
        "code": error.code,
        "request_id": request_id,
    }
    if error.errors:
        body["errors"] = error.errors
    return body
