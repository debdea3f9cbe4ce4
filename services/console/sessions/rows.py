"""Sessions, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import datetime

from services.console.domain.roles import Role


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session; `id_hash` is the SHA-256 of the id that the browser has."""

    id_hash: bytes
    name: str
    begun_at: datetime
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whose session it is, and what they may do now. `has_letters`: whether single letters are keys for them."""

    name: str
    role: Role
    has_letters: bool
