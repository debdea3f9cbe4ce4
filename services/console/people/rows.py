"""People, as rows: the fields are the columns."""

from dataclasses import dataclass
from datetime import datetime

from services.console.domain.roles import Role


@dataclass(frozen=True, slots=True)
class PersonRow:
    """`password_hash`: None where no password opens it; `ended_at`: None while they may sign in;
    `has_letters`: whether single letters are keys for them."""

    name: str
    role: Role
    password_hash: str | None
    added_at: datetime
    ended_at: datetime | None
    has_letters: bool = True


@dataclass(frozen=True, slots=True)
class ListedPerson:
    """A person without what opens their account, and how many sessions they have now."""

    name: str
    role: Role
    added_at: datetime
    ended_at: datetime | None
    sessions: int
