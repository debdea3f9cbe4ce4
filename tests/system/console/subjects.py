"""What each form of the console is about, on a whole deployment: one that is there now, however many were dealt with
before."""

import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any, Final
from urllib.parse import urlencode

import asyncpg
import httpx2

from lab.departures.client import Client
from services.console.domain.roles import Role
from shared.values.ids import new_id
from tests.services.rating.deployment import terms
from tests.system.console.deployed import LINE, at_work, event
from tests.system.console.sent import FORM, Sendable, content_of, forms_in
from tests.waiting import until

FEBRUARY: Final = "2024-02"
POLICY: Final = {"replaces": 0, "above": {"USD": "1000.00"}, "changed_percent": None, "reason": "four eyes"}
Typed = Mapping[str, str]


@dataclass
class Desk:
    """A deployment with something to do for each form. `books` is its database; `people` are who has signed in."""

    base: str
    client: Client
    books: "asyncpg.Connection[asyncpg.Record]"
    people: dict[Role, httpx2.AsyncClient] = field(default_factory=dict)
    awaiting: str = ""
    open: str = ""
    numbers: Iterator[int] = field(default_factory=lambda: count(1))

    async def set_up(self) -> None:
        """February's document waits for an approval, March's is an open draft."""
        await at_work(self.client)
        [february] = (await self.client.get("billing", "/v1/invoices", status="draft"))["data"]
        await self.client.put("billing", "/v1/review-policy", POLICY)
        await self.client.move_clock(datetime(2024, 3, 4, tzinfo=UTC))
        self.awaiting = february["id"]
        await until(lambda: self._in_state("awaiting_approval"), "February waits for an approval")
        [self.open] = await until(lambda: self._in_state("open"), "March's draft")

    async def _in_state(self, state: str) -> list[str]:
        found = await self.client.get("billing", "/v1/invoices", state=state)
        return [one["id"] for one in found["data"]]

    async def signed_in(self, role: Role) -> httpx2.AsyncClient:
        if role not in self.people:
            self.people[role] = await self.anew(role)
        return self.people[role]

    async def anew(self, role: Role) -> httpx2.AsyncClient:
        """Another session of this role's person."""
        http = httpx2.AsyncClient(base_url=self.base, trust_env=False, timeout=60, headers=FORM)
        done = await http.post("/sign-in/demo", content=content_of([("role", role), ("next", "/")]))
        assert done.status_code == 303, done.text
        return http

    async def close(self) -> None:
        for http in self.people.values():
            await http.aclose()

    async def draft_that_is(self, *, held: bool) -> str:
        """The page of March's draft, which somebody holds, or nobody."""
        at = f"/v1/invoices/{self.open}"
        if bool((await self.client.get("billing", at))["hold"]) is not held:
            act: tuple[str, dict[str, str]] = ("hold", {"reason": "a look"}) if held else ("release", {})
            await self.client.post("billing", f"{at}/{act[0]}", act[1])
        return f"/invoices/{self.open}"

    async def open_drafts(self) -> str:
        await self.draft_that_is(held=False)
        return "/invoices?status=draft&state=open"

    async def suspended(self, reason: str) -> str:
        """The page of usage that waits for this reason."""

        async def waits() -> dict[str, Any] | None:
            found = (await self.client.get("rating", "/v1/suspense", limit=200))["data"]
            return next((one for one in found if one["reason"] == reason), None)

        if not await waits():
            await self.client.send_events([await self._unbillable(reason, f"new-{next(self.numbers)}")])
        row = await until(waits, f"usage with {reason}")
        names = ("type", "month", "customer", "subject")
        return f"/suspense/of?{urlencode({name: row[name] for name in names if row[name]})}"

    async def _unbillable(self, reason: str, name: str) -> bytes:
        at = "2024-02-02T12:00:00Z"
        if reason == "no_meter":
            return event(name, at, type=name)
        if reason == "no_contract":
            customer = {"external_id": name, "name": name, "timezone": "UTC"}
            await self.client.post("rating", "/v1/customers", customer)
        return event(name, at, subject=name)

    async def late(self) -> str:
        async def held() -> list[dict[str, Any]]:
            found: list[dict[str, Any]] = (await self.client.get("rating", "/v1/late-usage"))["data"]
            return found

        if not await held():
            await self.client.send_events([event(f"late-{next(self.numbers)}", "2024-01-10T12:00:00Z")])
        one = (await until(held, "late usage"))[0]
        return f"/late/{one['contract']}/{one['period']['start']}"

    async def quarantined(self) -> str:
        async def waits() -> list[dict[str, Any]]:
            told = await self.client.get("usage_ingest", "/v1/quarantine", status="open")
            found: list[dict[str, Any]] = told["data"]
            return found

        if not await waits():
            await self.client.send_events([event(f"faulty-{next(self.numbers)}", None)])
        return f"/quarantine/{(await until(waits, 'an event in quarantine'))[0]['quarantine_id']}"

    async def signal(self) -> str:
        return f"/signals/{(await self.client.get('signals', '/v1/signals'))['data'][0]['id']}"

    async def suspense_of_a_month(self) -> str:
        await self.suspended("no_customer")

        async def known() -> list[dict[str, Any]]:
            path = "/v1/reconciliation/suspense"
            found: list[dict[str, Any]] = (await self.client.get("billing", path, until=FEBRUARY))["lines"]
            return found

        line = (await until(known, "suspense that billing knows"))[0]
        whose = line["customer"] or line["subject"]
        asked = {"customer": whose, "type": line["type"], "reason": line["reason"], "month": FEBRUARY}
        return f"/close/accept?{urlencode(asked)}"

    async def case(self) -> str:
        """An exception that a person resolves."""
        kind = "usage_value_unreadable"
        found = (await self.client.get("rating", "/v1/exceptions", kind=kind))["data"]
        if found:
            return f"/work/rating/{found[0]['id']}"
        name, now = new_id("exc"), datetime(2024, 3, 4, tzinfo=UTC)
        said = (name, kind, f"calls/{name}", "correct them", "integration engineer")
        columns = "exception_id, kind, reference, detail, owner, opened_at, deadline_at"
        await self.books.execute(
            f"insert into rating.exceptions ({columns}) values ($1, $2, $3, $4, $5, $6, $7)",
            *said,
            now,
            now + timedelta(days=3),
        )
        return f"/work/rating/{name}"

    async def view(self, act: str) -> str:
        """The page of a saved view that this can be done with."""
        http = await self.signed_in("finance")
        listed = await http.get("/views")
        for at in {link for link in _links(listed.text) if link.startswith("/views/vie_")}:
            if act in {form.action.rpartition("/")[2] for form in forms_in((await http.get(at)).text)}:
                return at
        page = await http.get("/invoices?customer=acme")
        [save] = [form for form in forms_in(page.text) if form.action == "/views"]
        whom = "all" if act == "unshare" else "me"
        sent = save.filled(name=f"view {next(self.numbers)}", **{"for": whom})
        assert (await http.post("/views", content=content_of(sent))).status_code == 303
        return await self.view(act)

    async def changes(self) -> int:
        """How many changes the people of the demo have made anywhere."""
        told = " union all ".join(
            f"select actor from {schema}.audit"
            for schema in ("usage_ingest", "rating", "billing", "signals", "console")
        )
        found: int = await self.books.fetchval(f"select count(*) from ({told}) a where actor like 'demo-%'")
        return found


def _links(page: str) -> list[str]:
    return [part.partition('"')[0] for part in page.split('href="')[1:]]


@dataclass(frozen=True)
class Subject:
    """A form that is sent to a route: whose it is (None: of nobody who has signed in), where its page is now, and what of it a
    person types so that it is taken, which may depend on what else is in it. `ends`: it ends the session."""

    role: Role | None
    at: Callable[[Desk], Awaitable[str]]
    valid: Callable[[Sendable], Typed] = lambda _: {}
    ends: bool = False
    taken: tuple[int, ...] = (303,)


def _page(address: str) -> Callable[[Desk], Awaitable[str]]:
    async def at(_: Desk) -> str:
        return address

    return at


def _typed(**of: str) -> Callable[[Sendable], Typed]:
    return lambda _: of


def _contract(form: Sendable) -> Typed:
    whose = dict(form.fields)["of"]
    return {"terms": json.dumps(terms(f"{whose}-1", whose, lines=[LINE]))}


def _repaired(form: Sendable) -> Typed:
    return {"event": event(new_id("evt"), "2024-02-10T12:00:00Z").decode()}


def _meter(form: Sendable) -> Typed:
    return {"meter": new_id("met")}


async def _held(desk: Desk) -> str:
    return await desk.draft_that_is(held=True)


async def _not_held(desk: Desk) -> str:
    return await desk.draft_that_is(held=False)


async def _awaiting(desk: Desk) -> str:
    return f"/invoices/{desk.awaiting}"


def _view(act: str) -> Callable[[Desk], Awaitable[str]]:
    async def at(desk: Desk) -> str:
        return await desk.view(act)

    return at


def _suspended(reason: str) -> Callable[[Desk], Awaitable[str]]:
    async def at(desk: Desk) -> str:
        return await desk.suspended(reason)

    return at


#: Path of a route, and what it does where that stands in the path → its form.
SUBJECTS: Final[Mapping[tuple[str, str], Subject]] = {
    ("/sign-in", ""): Subject(None, _page("/sign-in"), _typed(name="nobody", password="x"), taken=(401, 429)),
    ("/sign-in/demo", ""): Subject(None, _page("/sign-in")),
    ("/account/letters", ""): Subject("finance", _page("/account")),
    ("/invoices/{document}/{act}", "approve"): Subject("finance", _awaiting),
    ("/invoices/{document}/{act}", "hold"): Subject("finance", _not_held, _typed(reason="in dispute")),
    ("/invoices/{document}/{act}", "release"): Subject("finance", _held),
    ("/invoices/{document}/{act}", "seen"): Subject("leader", _not_held),
    ("/invoices/reviews", ""): Subject("finance", Desk.open_drafts, _typed(reason="in dispute")),
    ("/suspense/{kind}", "alias"): Subject("finance", _suspended("no_customer"), _typed(customer="acme")),
    ("/suspense/{kind}", "customer"): Subject(
        "engineer", _suspended("no_customer"), _typed(name="New", timezone="UTC")
    ),
    ("/suspense/{kind}", "meter"): Subject("engineer", _suspended("no_meter"), _meter),
    ("/suspense/{kind}", "contract"): Subject("finance", _suspended("no_contract"), _contract),
    ("/late/{contract}/{start}", ""): Subject("finance", Desk.late, _typed(decision="waive", reason="late")),
    ("/quarantine/{quarantine_id}/{act}", "repair"): Subject("engineer", Desk.quarantined, _repaired),
    # it still does not fit, which its page says
    ("/quarantine/{quarantine_id}/{act}", "replay"): Subject("engineer", Desk.quarantined, taken=(200,)),
    ("/quarantine/{quarantine_id}/{act}", "discard"): Subject(
        "engineer", Desk.quarantined, _typed(reason="a test of ours")
    ),
    ("/reconciliation", ""): Subject("leader", _page("/reconciliation")),
    ("/signals/{signal_id}/{act}", "acknowledge"): Subject("customer-success", Desk.signal),
    ("/signals/{signal_id}/{act}", "snooze"): Subject(
        "customer-success", Desk.signal, _typed(until="2024-12-01T00:00:00Z")
    ),
    ("/signals/{signal_id}/{act}", "note"): Subject("customer-success", Desk.signal, _typed(text="called")),
    ("/views", ""): Subject("finance", _page("/invoices?customer=acme"), _typed(name="one customer")),
    ("/views/{view_id}/{act}", "share"): Subject("finance", _view("share")),
    ("/views/{view_id}/{act}", "unshare"): Subject("finance", _view("unshare")),
    ("/views/{view_id}/{act}", "remove"): Subject("finance", _view("remove")),
    ("/close/accept", ""): Subject("finance", Desk.suspense_of_a_month, _typed(because="a test of theirs")),
    ("/close/policy", ""): Subject(
        "leader", _page("/close/policy"), _typed(above="USD 5.00", reason="audit")
    ),
    ("/work/{service}/{exception_id}/{act}", "assign"): Subject("engineer", Desk.case, _typed(to="eve")),
    ("/work/{service}/{exception_id}/{act}", "note"): Subject("engineer", Desk.case, _typed(note="known")),
    ("/work/{service}/{exception_id}/{act}", "resolve"): Subject("finance", Desk.case, _typed(note="mended")),
    ("/sign-out", ""): Subject("leader", _page("/account"), ends=True),
    ("/sign-out-everywhere", ""): Subject("leader", _page("/account"), ends=True),
}
