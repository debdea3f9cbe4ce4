"""The seven steps of a close: whether each is done, whose it is, and what says so."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from services.console.domain.addresses import address
from services.console.domain.amounts import Amount, grouped
from services.console.domain.month import Month
from services.console.domain.times import Zones
from services.console.upstream.domain.told import Silent, Told

State = Literal["done", "waits", "blocked", "not known"]
Document = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Looked:
    """What each step rests on, as its service says it."""

    closing: Told | Silent
    quarantine: Told | Silent
    suspense: Told | Silent
    checks: Told | Silent
    drafts: Told | Silent
    numbers: Told | Silent
    late: Told | Silent


@dataclass(frozen=True, slots=True)
class Found:
    """Whether a step is done, and what says so."""

    state: State
    evidence: str


@dataclass(frozen=True, slots=True)
class Step:
    """`href`: the list behind it."""

    key: str
    title: str
    owner: str
    href: str
    found: Found


@dataclass(frozen=True, slots=True)
class Counted:
    """How many statements of the month are in each state."""

    open: int
    due: int
    held: int
    final: int

    @property
    def all(self) -> int:
        return self.open + self.due + self.held + self.final

    @property
    def said(self) -> str:
        others = {"due": self.due, "open": self.open, "held": self.held}
        left = ", ".join(f"{count} {state}" for state, count in others.items() if count)
        return f"{self.final} of {self.all} statements are final" + (f"; {left}" if left else "")


def steps_of(looked: Looked, month: Month, zones: Zones) -> tuple[Step, ...]:
    """In the order in which a month is closed."""
    return (*_of_usage(looked, month, zones), *_of_documents(looked, month, zones))


def _of_usage(looked: Looked, month: Month, zones: Zones) -> tuple[Step, ...]:
    statements, suspense = (
        address("close", name, month=month.name, **zones.query) for name in ("statements", "suspense")
    )
    metered, resolved = _found(looked.closing, _metered, zones), _found(looked.suspense, _suspense, zones)
    quarantine, explained = (
        address("quarantine", status="open", **zones.query),
        _found(looked.quarantine, _quarantine, zones),
    )
    return (
        Step("metered", "All that was sent is metered", "operations", statements, metered),
        Step(
            "quarantine",
            "Quarantine is empty or explained",
            "integration engineer",
            quarantine,
            explained,
        ),
        Step("suspense", "Suspense is resolved or accepted in writing", "finance", suspense, resolved),
    )


def _of_documents(looked: Looked, month: Month, zones: Zones) -> tuple[Step, ...]:
    drafts = address("invoices", status="draft", **month.ends, **zones.query)
    return (
        Step(
            "books",
            "K1–K5 hold",
            "finance",
            _last(looked.checks, zones),
            _found(looked.checks, _books, zones),
        ),
        Step("drafts", "Drafts are reviewed", "finance", drafts, _found(looked.drafts, _drafts, zones)),
        Step(
            "numbers",
            "Documents have numbers, and the journal has them",
            "billing operations",
            address("invoices", status="finalized", **month.ends, **zones.query),
            _numbers(looked.numbers, looked.checks),
        ),
        Step(
            "late",
            "Late usage of closed months is decided",
            "finance",
            address("late", **zones.query),
            _found(looked.late, _late, zones),
        ),
    )


def counted(closing: Document) -> Counted:
    """`closing`: the answer of `GET /v1/closing/{month}`, whose totals are by state and currency."""
    found = dict.fromkeys(("open", "due", "held", "final"), 0)
    for one in closing["totals"]:
        # what a later version calls otherwise is not final
        found[one["state"] if one["state"] in found else "open"] += one["statements"]
    return Counted(**found)


def last_done(checks: Document) -> Document | None:
    """The newest check that is done."""
    return next((check for check in checks["data"] if check["state"] == "done"), None)


def worths(values: Iterable[Mapping[str, str]]) -> str:
    """Each currency by itself: they are never added."""
    return ", ".join(Amount(one["currency"], one["amount"]).shown for one in values)


def count(number: int, one: str, many: str = "") -> str:
    """ "1 event", "1,204 events"."""
    return f"{grouped(str(number))} {one if number == 1 else many or f'{one}s'}"


def _found(told: Told | Silent, of: Callable[[Document, Zones], Found], zones: Zones) -> Found:
    return Found("not known", told.cause) if isinstance(told, Silent) else of(told.document, zones)


def _metered(closing: Document, _: Zones) -> Found:
    statements = counted(closing)
    if not statements.all:
        return Found("done", "no contract has a period that ends in this month")
    said = statements.said
    if statements.held:
        return Found("blocked", said)
    if statements.due:
        said = f"{said}; {_on_the_way(closing['barrier'])}"
    return Found("done" if statements.final == statements.all else "waits", said)


def _on_the_way(barrier: Document) -> str:
    behind = [
        f"{one['service']} is {count(one['records'], 'record')} behind"
        for one in barrier["records"]
        if one["records"]
    ]
    for name, one, many in (("batches", "batch", "batches"), ("marks", "mark", "marks")):
        if barrier[name]:
            behind.append(f"{count(barrier[name], one, many)} not yet in statements")
    return "waiting: " + ", ".join(behind) if behind else "nothing is on its way"


def _quarantine(summary: Document, zones: Zones) -> Found:
    if not summary["events"]:
        return Found("done", "nothing is open")
    since = zones.moment(summary["oldest"]).text
    return Found("waits", f"{count(summary['events'], 'event')} open, the oldest since {since}")


def _suspense(summary: Document, _: Zones) -> Found:
    if not summary["suspended"]:
        return Found("done", "nothing waits")
    accepted = f"{summary['accepted']} of {summary['suspended']} accepted"
    if summary["accepted"] == summary["suspended"]:
        return Found("done", accepted)
    worth = worths(summary["value"])
    waits = f"{count(summary['events'], 'event')} not" + (f", worth {worth}" if worth else "")
    return Found("waits", f"{accepted}, {waits}")


def _books(checks: Document, zones: Zones) -> Found:
    done, runs = last_done(checks), any(check["state"] != "done" for check in checks["data"])
    further = "; one is being made" if runs else ""
    if done is None:
        return Found("waits", f"not checked yet{further}")
    at = zones.moment(done["done_at"]).text
    return Found("done" if done["holds"] else "blocked", f"checked {at}{further}")


def _last(checks: Told | Silent, zones: Zones) -> str:
    done = None if isinstance(checks, Silent) else last_done(checks.document)
    return address("reconciliation", *([] if done is None else [done["id"]]), **zones.query)


_DRAFTS: Final = {
    "held": "held",
    "awaiting_approval": "to be approved",
    "open": "open",
    "due": "on their way to a number",
}


def _drafts(totals: Document, _: Zones) -> Found:
    found = dict.fromkeys(_DRAFTS, 0)
    for one in totals["totals"]:
        found[one["state"]] = found.get(one["state"], 0) + one["documents"]
    said = ", ".join(f"{number} {_DRAFTS.get(state, state)}" for state, number in found.items() if number)
    if not said:
        return Found("done", "no draft is left")
    return Found("blocked" if found["held"] else "waits", said)


def _numbers(told: Told | Silent, checks: Told | Silent) -> Found:
    """Whether the series have gaps K5 says, over all months."""
    if isinstance(told, Silent):
        return Found("not known", told.cause)
    said = "; ".join(_series(one) for one in told.document["series"])
    if not said:
        return Found("waits", "no document of the month has a number yet")
    if told.document["unposted"]:
        return Found("blocked", f"{said}; {count(told.document['unposted'], 'document')} not in the journal")
    k5 = None if isinstance(checks, Silent) else _k5(checks.document)
    if k5 is None:
        return Found("waits", f"{said}; whether the series have gaps is not checked yet")
    return Found("done", said) if k5 else Found("blocked", f"{said}; K5 does not hold")


def _series(one: Document) -> str:
    if one["documents"] == 1:
        return str(one["first"])
    return f"{one['first']} … {one['last']} ({count(one['documents'], 'document')})"


def _k5(checks: Document) -> bool | None:
    done = last_done(checks)
    if done is None:
        return None
    found: bool | None = next((step["holds"] for step in done["progress"] if step["k"] == "K5"), None)
    return found


def _late(late: Document, _: Zones) -> Found:
    if not late["data"]:
        return Found("done", "nothing is held")
    more = " and more" if late["has_more"] else ""
    return Found("waits", f"{count(len(late['data']), 'period')}{more} to be decided")
