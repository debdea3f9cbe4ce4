"""What a session is known by: 32 random bytes that the browser alone has."""

import base64
import hashlib
import re
import secrets
from typing import Final

RANDOM_BYTES: Final = 32
_WRITTEN: Final = re.compile(r"[A-Za-z0-9_-]{43}")


def new_session_id() -> str:
    return secrets.token_urlsafe(RANDOM_BYTES)


def hash_of(session_id: str) -> bytes | None:
    """What is stored of it; None for what cannot be one."""
    return hashlib.sha256(session_id.encode()).digest() if _WRITTEN.fullmatch(session_id) else None


def csrf_of(session_id: str) -> str:
    """What the session's forms carry. Nobody finds the id from it."""
    digest = hashlib.sha256(b"form\0" + session_id.encode()).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")
