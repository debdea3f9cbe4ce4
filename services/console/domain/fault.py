"""Pages of what went wrong."""

from dataclasses import dataclass
from typing import Self

from services.console.domain.again import Again
from services.console.domain.parts import Down


@dataclass(frozen=True, slots=True)
class FaultPage:
    """What, what to do, and where to go on; `trace` finds the request in the logs. `again`: what was sent."""

    title: str
    detail: str
    href: str
    link: str
    trace: str
    again: Again | None = None

    @classmethod
    def of(cls, title: str, detail: str, trace: str, *, onward: bool, again: Again | None = None) -> Self:
        """`onward`: to the sign-in page."""
        href, link = ("/sign-in", "Sign in") if onward else ("/", "To the first page")
        return cls(title, "" if detail == title else detail, href, link, trace, again)


@dataclass(frozen=True, slots=True)
class DownPage:
    """A page whose only block cannot be shown."""

    title: str
    down: Down
