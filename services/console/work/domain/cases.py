"""Exceptions as the services tell them, put together: what is most overdue first."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final, Literal, get_args

from services.console.domain.forms import Tried
from services.console.domain.roles import AUTHORITY, ROLES, Role
from services.console.upstream.domain.told import Service, Told
from shared.values.instants import read_instant

State = Literal["open", "overdue", "resolved"]
Act = Literal["assign", "note", "resolve"]
DIGITS_MAX: Final = 10
SERVICES: Final[tuple[Service, ...]] = get_args(Service)
#: What it takes to work on a service's exceptions.
SCOPES: Final[Mapping[Service, str]] = {
    "usage_ingest": "usage:write",
    "rating": "contracts:write",
    "billing": "invoices:write",
    "signals": "signals:write",
}


@dataclass(frozen=True, slots=True)
class Case:
    """An exception, and whose it is."""

    service: Service
    said: Mapping[str, Any]

    @property
    def deadline(self) -> datetime:
        return read_instant(self.said["deadline_at"])

    def is_overdue(self, now: datetime | None) -> bool:
        """Whether its deadline is past by the business clock; not where that is not known."""
        return now is not None and self.said["resolved_at"] is None and self.deadline < now


def together(told: Mapping[Service, Told], state: State) -> list[Case]:
    """All of them, the first deadline first; of those that are resolved the last."""
    found = [Case(service, one) for service, answer in told.items() for one in answer.document["data"]]
    return sorted(
        found, key=lambda case: (case.deadline, case.service, case.said["id"]), reverse=state == "resolved"
    )


def may_work(role: Role, service: Service) -> bool:
    return SCOPES[service] in AUTHORITY[role].scopes


#: The roles that work on exceptions of any service.
WORKS: Final[tuple[Role, ...]] = tuple(
    role for role in ROLES if any(may_work(role, service) for service in SERVICES)
)


def act_in_words(act: Mapping[str, Any]) -> str:
    """What somebody did: "ana assigned it to bo"."""
    done = {
        "assigned": f"assigned it to {act['assignee'] or 'nobody'}",
        "noted": f"noted: {act['note']}",
        "resolved": f"resolved it: {act['note']}",
    }
    return f"{act['by']} {done.get(act['act'], act['act'])}"


def told_since(tried: Tried, acts: Sequence[Mapping[str, Any]]) -> Tried:
    """A form that had no effect, with what was done since its page was opened: it says how many acts that had shown."""
    seen = tried.text("acts")
    if not (seen.isascii() and seen.isdecimal() and len(seen) < DIGITS_MAX):
        return tried
    later = "; ".join(act_in_words(act) for act in acts[int(seen) :])
    return replace(tried, fault=f"{tried.fault} Since you looked: {later}.") if later else tried
