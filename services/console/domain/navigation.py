"""Where one can go, and who may."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from urllib.parse import parse_qsl

from services.console.domain.addresses import with_query
from services.console.domain.frame import Destination
from services.console.domain.roles import ROLES, Role
from services.console.domain.times import UTC, Choice, Zones


@dataclass(frozen=True, slots=True)
class Entry:
    """A page that the navigation leads to. `letter` goes there after `g`; `roles` is filled from the page's own
    route. `only`: whom a route shows its page to that sends all others on; `has_views`: it is a list whose filters can be
    saved."""

    text: str
    path: str
    letter: str = ""
    roles: frozenset[Role] = frozenset()
    only: tuple[Role, ...] = ()
    has_views: bool = False


def open_to(role: Role, entries: Iterable[Entry]) -> tuple[Entry, ...]:
    """The entries that a role may open, in their order."""
    return tuple(entry for entry in entries if role in entry.roles)


def keeps_views(path: str, role: Role, entries: Iterable[Entry]) -> bool:
    """Whether there is a list at this path that the role may open, whose filters can be saved."""
    return any(entry.has_views and entry.path == path for entry in open_to(role, entries))


def is_below(path: str, entry: Entry) -> bool:
    """Whether a page belongs to the entry."""
    return path == entry.path or (entry.path != "/" and path.startswith(f"{entry.path}/"))


def placed(entries: Iterable[Entry], roles_by_path: Mapping[str, frozenset[Role]]) -> tuple[Entry, ...]:
    """The entries with whom each is for, as its own page says; KeyError for one that leads nowhere."""
    return tuple(
        replace(entry, roles=roles_by_path[entry.path].intersection(entry.only or ROLES)) for entry in entries
    )


def zone_choices(here: str, zones: Zones) -> tuple[Destination, ...]:
    """The page at this address in each of the zones that times may be shown in."""
    path, _, query = here.partition("?")
    asked = {name: value for name, value in parse_qsl(query) if name != "zone"}
    names: dict[Choice, str] = {
        "customer": "customer's time",
        "mine": f"my time ({zones.mine})",
        "utc": UTC,
    }
    return tuple(
        Destination(
            said,
            with_query(path, asked if choice == "customer" else {**asked, "zone": choice}),
            choice == zones.choice,
        )
        for choice, said in names.items()
    )
