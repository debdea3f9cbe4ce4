"""Passwords as argon2id hashes (RFC 9106, low memory)."""

from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

HASHER: Final = PasswordHasher()
#: Of a password that nobody has, made with the same parameters.
OF_NOBODY: Final = (
    "$argon2id$v=19$m=65536,t=3,p=4$m0OuUaubprNbTDcpsy4a6w$h5SJFRant2O1Xe1n8veyHbydJDBfBgqr50TTjDVNKLA"
)


def hash_of(password: str) -> str:
    """The hash that is stored. It takes 64 MiB and a core for a tenth of a second: not in the loop."""
    return HASHER.hash(password)


def opens(password_hash: str | None, password: str) -> bool:
    """Whether the password is the one of the hash. None, of whoever is not known, takes the same time and is not; half a
    surrogate pair is in no password."""
    try:
        HASHER.verify(password_hash or OF_NOBODY, password)
    except (VerificationError, InvalidHashError, UnicodeEncodeError):
        return False
    return password_hash is not None
