"""By what a browser in which a person has signed in before is known: their tries there count apart from those of anybody
who says their name, so nobody keeps them from signing in. It opens nothing."""

import base64
import hashlib
import hmac


def mark_of(password_hash: str, name: str) -> str:
    """What the browser keeps. It is good until the password is another one."""
    digest = hmac.new(password_hash.encode(), f"known\0{name}".encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_known(mark: str, password_hash: str, name: str) -> bool:
    return hmac.compare_digest(mark.encode(errors="replace"), mark_of(password_hash, name).encode())
