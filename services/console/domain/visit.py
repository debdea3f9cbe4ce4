"""Who asks."""

from dataclasses import dataclass

from services.console.domain.roles import Role
from services.console.domain.times import THEIRS, Zones
from services.console.domain.views import View


@dataclass(frozen=True, slots=True)
class Visit:
    """One request of a signed-in person.

    `csrf` goes into each form of the page; `here` is the path and query that was asked for; `trace` finds the request
    in the logs of all services; `idempotency_key` is that of the form that was sent, "" where none was; `zones` says in
    whose zone times are shown, `has_letters` whether single letters are keys, and `views` what is offered to them here;
    `session` is what is stored of theirs.
    """

    name: str
    role: Role
    csrf: str
    here: str
    trace: str
    idempotency_key: str = ""
    zones: Zones = THEIRS
    has_letters: bool = True
    views: tuple[View, ...] = ()
    session: bytes = b""
