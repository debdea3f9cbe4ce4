"""The pages of work, as their templates take them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from services.console.domain.addresses import address, with_query
from services.console.domain.amounts import Amount
from services.console.domain.forms import Tried
from services.console.domain.parts import (
    Cell,
    Column,
    Down,
    Empty,
    Fact,
    Facts,
    Field,
    Filters,
    Form,
    Option,
    Pager,
    Row,
    Table,
    hidden,
    key_of,
    pager_of,
)
from services.console.domain.times import Zones
from services.console.domain.visit import Visit
from services.console.upstream.domain.told import Service, Silent, Told
from services.console.work.domain.cases import SERVICES, Act, Case, State, act_in_words, may_work, together
from shared.values.names import ACTOR_CHARACTERS_MAX

WORK: Final = "/work"
NOTE_CHARACTERS_MAX: Final = 1000
#: Letters of a detail in the list.
DETAIL_MAX: Final = 160
HEADS: Final = (
    Column("What"),
    Column("About"),
    Column("Service"),
    Column("Owner"),
    Column("Deadline"),
    Column("Worth", is_number=True),
    Column("Looked after by"),
    Column("What to do"),
)
EMPTY: Final = Empty(
    "Nothing waits for anybody.",
    "What a service cannot mend by itself appears here, with its owner, its deadline and what it is worth.",
)
ACT_HEADS: Final = (Column("When"), Column("By"), Column("What"))
NO_ACT: Final = Empty(
    "Nobody has done anything about it.", "Take it over, or write down what is to be known."
)
STATES: Final = (
    Option("open", "open"),
    Option("overdue", "overdue"),
    Option("resolved", "resolved"),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """How the list is narrowed; "" does not restrict."""

    service: Service | str = ""
    owner: str = ""
    state: State = "open"
    cursor: str = ""

    @property
    def query(self) -> dict[str, str]:
        return {"service": self.service, "owner": self.owner, "state": self.state}


@dataclass(frozen=True, slots=True)
class WorkPage:
    """`down`: the services that do not answer; the exceptions of the others are there."""

    title: str
    filters: Filters
    cases: Table
    down: tuple[Down, ...]


@dataclass(frozen=True, slots=True)
class CasePage:
    """One exception: what it is, what people did about it, and what may be done. What was tried is there, though it can no
    longer be done: it says why."""

    title: str
    back: str
    detail: str
    facts: Facts
    acts: Table
    forms: tuple[Form, ...]


def work_page(
    asked: Asked, answers: Mapping[Service, Told | Silent], now: datetime | None, visit: Visit
) -> WorkPage:
    """`answers`: a page of `GET /v1/exceptions` of each service that was asked; `now`: the business clock's."""
    told = {service: one for service, one in answers.items() if isinstance(one, Told)}
    rows = tuple(_row(case, now, visit.zones) for case in together(told, asked.state))
    return WorkPage(
        "Work",
        _filters(asked, visit.zones),
        Table("cases", "What waits for people", HEADS, rows, EMPTY, _pager(asked, told, visit.zones)),
        tuple(
            one.block(f"Exceptions of {one.service}", visit.here)
            for one in answers.values()
            if isinstance(one, Silent)
        ),
    )


def _filters(asked: Asked, zones: Zones) -> Filters:
    services = (Option("", "all"), *(Option(service, service) for service in SERVICES))
    fields = (
        Field("service", "Service", asked.service, "choice", services),
        Field("owner", "Owner", asked.owner, hint="Such as finance."),
        Field("state", "State", asked.state, "choice", STATES),
        *hidden(zones.query),
    )
    return Filters("narrow", WORK, fields, address("work", **zones.query))


def _pager(asked: Asked, told: Mapping[Service, Told], zones: Zones) -> Pager | None:
    """Of one service the next page; of several which of them have more."""
    more = {service: one.document for service, one in told.items() if one.document["has_more"]}
    if not more:
        return None
    if not asked.service:
        return Pager(f"{', '.join(more)}: only the first are shown; choose the service for all")
    [document] = more.values()
    here = with_query(WORK, {**asked.query, **zones.query})
    return pager_of(document, here, here)


def _row(case: Case, now: datetime | None, zones: Zones) -> Row:
    said, at = case.said, zones.moment(case.said["deadline_at"])
    deadline = Cell.at(at)
    if case.is_overdue(now):
        deadline = Cell(f"{at.text}, overdue", f"{at.exact} · {at.zone}", state="bad")
    return Row(
        key_of(case.service, said["id"]),
        (
            Cell(said["kind"].replace("_", " ")),
            Cell.of(said["reference"]),
            Cell(case.service),
            Cell.of(said["owner"]),
            deadline,
            _price(said),
            Cell.of(said.get("assignee") or "nobody"),
            Cell.of(said["detail"], characters_max=DETAIL_MAX),
        ),
        address("work", case.service, said["id"], **zones.query),
    )


def _price(said: Mapping[str, Any]) -> Cell:
    price = said["price"]
    return Cell("not known") if price is None else Cell.amount(Amount(price["currency"], price["amount"]))


def case_page(
    case: Case, visit: Visit, once: tuple[str, str, str], tried: Tried, version: str, now: datetime | None
) -> CasePage:
    """`version`: the ETag of what is shown; `once`: an idempotency key for each form."""
    said, zones = case.said, visit.zones
    overdue = (Cell("overdue", state="bad"),) if case.is_overdue(now) else ()
    about = said["reference"].partition(":")[0]
    facts = (
        Fact("About", (Cell.of(said["reference"], address("find", q=about, **zones.query)),)),
        Fact("Service", (Cell(case.service),)),
        Fact("Owner", (Cell.of(said["owner"]),)),
        Fact("Worth", (_price(said),)),
        Fact("Opened", (Cell.at(zones.moment(said["opened_at"])),)),
        Fact("Deadline", (Cell.at(zones.moment(said["deadline_at"])), *overdue)),
        Fact("Looked after by", (Cell.of(said.get("assignee") or "nobody"),)),
        Fact("Resolved", (_resolved(said, zones),)),
    )
    is_open = said["resolved_at"] is None and may_work(visit.role, case.service)
    forms = _forms(case, visit, once, tried, version)
    return CasePage(
        said["kind"].replace("_", " ").capitalize(),
        address("work", **zones.query),
        said["detail"],
        Facts("case", facts),
        _acts(said, zones),
        tuple(form for form in forms if is_open or form.key == tried.act),
    )


def _resolved(said: Mapping[str, Any], zones: Zones) -> Cell:
    if said["resolved_at"] is not None:
        return Cell.at(zones.moment(said["resolved_at"]))
    return Cell("not yet: by itself" if said["resolves"] == "by_itself" else "not yet: a person says so")


def _acts(said: Mapping[str, Any], zones: Zones) -> Table:
    rows = tuple(
        Row(
            str(number),
            (
                Cell.at(zones.moment(act["at"])),
                Cell.of(act["by"]),
                Cell.of(act_in_words(act), characters_max=NOTE_CHARACTERS_MAX),
            ),
        )
        for number, act in enumerate(said["acts"])
    )
    return Table("acts", "What people did about it", ACT_HEADS, rows, NO_ACT)


def _forms(
    case: Case, visit: Visit, once: tuple[str, str, str], tried: Tried, version: str
) -> tuple[Form, ...]:
    seen = (
        Field("version", "", version, "hidden"),
        Field("acts", "", str(len(case.said["acts"])), "hidden"),
    )

    def form(act: Act, button: str, key: str, field: Field) -> Form:
        action = address("work", case.service, case.said["id"], act, **visit.zones.query)
        fault, is_grave = tried.at(act).fault, act == "resolve"
        return Form(act, action, button, visit.csrf, key, (field, *seen), is_grave, fault)

    to = Field(
        "to",
        "Who looks after it",
        tried.at("assign").text("to", visit.name),
        hint="Their name here; empty: nobody.",
        letters_max=str(ACTOR_CHARACTERS_MAX),
    )
    forms = (
        form("assign", "Assign it", once[0], to),
        form("note", "Write it down", once[1], _note("Note", tried.at("note"))),
    )
    if case.said["resolves"] == "by_itself" and tried.act != "resolve":
        return forms
    return (*forms, form("resolve", "It is mended", once[2], _note("How it was mended", tried.at("resolve"))))


def _note(label: str, tried: Tried) -> Field:
    return Field(
        "note",
        label,
        tried.text("note"),
        "area",
        is_required=True,
        letters_max=str(NOTE_CHARACTERS_MAX),
    )
