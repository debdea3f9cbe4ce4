"""Whoever changes something leaves a row that says so, in the transaction of the change, and the same call twice is
one change: shown of every changing route of the four OpenAPI documents by real calls."""

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import asyncpg
import pytest
from fastapi import APIRouter

from services.billing.conservation.api import suspense
from services.billing.conservation.domain.accepted import Suspended
from services.billing.replica.usecases import hear_statements
from services.signals.webhooks.usecases.send import Lanes
from services.usage_ingest.quarantine.usecases.keep import keep
from shared.audit import AuditRow, write_audit
from shared.cases import NewCase, open_exception
from shared.db.unit_of_work import Database, UnitOfWork
from shared.http import changes
from shared.http.changes import changes_nothing
from shared.http.keys import requires
from shared.postgres.setup import SERVICES
from shared.runtime.clock import machine_now
from shared.runtime.context import Foundation
from shared.runtime.service import Service, build
from shared.runtime.settings import ServiceSettings
from shared.topics.usage_ingest import QuarantineMessage
from tests.conftest import TestDatabase
from tests.services.billing.statements import batch_of, statement_of
from tests.services.rating.deployment import Deployment, terms, utc
from tests.services.rating.deployment import event as call
from tests.services.signals.conftest import signals_on
from tests.services.signals.deployment import START, fact
from tests.services.usage_ingest.circumstances import event
from tests.serving import serving
from tests.system.conformance.acts import Acts, changing_operations

CUSTOMER = {"external_id": "acme", "name": "Acme Corp", "timezone": "UTC"}
HOOK = {"url": "http://127.0.0.1:9/hook/path-of-hook", "events": ["*"]}


async def test_rating(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving("rating", database, monkeypatch) as (context, client):
        acts = Acts("rating", database, client)
        meter = {"event_type": "call", "aggregation": "count"}
        await acts.act("create_meter", "POST", "/v1/meters", {"meter": "calls", **meter})
        await acts.act("change_meter", "PUT", "/v1/meters/calls", {**meter, "group_by": ["region"]})
        await acts.act("put_plan", "POST", "/v1/plans", {"plan": "pro", "currency": "USD"})
        await acts.act("create_customer", "POST", "/v1/customers", CUSTOMER)
        await acts.act("change_customer", "PATCH", "/v1/customers/acme", {"name": "Acme"})
        await acts.act("add_alias", "POST", "/v1/customers/acme/aliases", {"alias": "acme-eu"})
        await acts.act("apply_contract", "POST", "/v1/contracts", terms("acme-1", "acme"))
        await _blocks(acts)
        to = {"to": "2030-02-01T00:00:00Z", "test_clock": True}
        await acts.act("advance_clock", "POST", "/v1/clock/advance", to)
        await _correct(acts, Deployment(database, context, client))
        await _work_on_exceptions(acts, context, "rating_exception", "usage_value_unreadable")
        assert acts.done == changing_operations("rating")


async def _correct(acts: Acts, rating: Deployment) -> None:
    """All periods are final, and accept nothing more."""
    fee = {"key": "fee", "kind": "recurring", "amount": "9.00"}
    dearer = terms("acme-1", "acme", effective="2024-12-01", lines=[*terms("acme-1", "acme")["lines"], fee])
    applied = await rating.client.post("/v1/contracts", json=dearer, params={"corrects_final": True})
    assert applied.status_code == 201, applied.text
    await acts.act("correct_contract", "POST", "/v1/contracts/acme-1/corrections")
    await rating.send(call("late", "acme", utc("2024-01-10T00:00:00")))
    await rating.settled()
    [held] = (await rating.client.get("/v1/late-usage")).json()["data"]
    decision = {"decision": "bill", "reason": "they agreed", "up_to": held["watermark"]}
    await acts.act("decide_late_usage", "POST", "/v1/late-usage/acme-1/2024-01-01/decision", decision)


async def _blocks(acts: Acts) -> None:
    block = {"contract": "acme-1", "amount": "5.00", "currency": "USD", "reason": "agreed"}
    paid = {**block, "kind": "prepaid", "document": "none"}
    granted = await acts.act("grant_block", "POST", "/v1/blocks", {**block, "kind": "promotional"})
    place = f"/v1/blocks/{granted['id']}"
    await acts.act("adjust_block", "POST", f"{place}/adjustments", {"amount": "-1.00", "reason": "too much"})
    await acts.act("void_block", "POST", f"{place}/void", {"reason": "not theirs"})
    other = (await acts.client.post("/v1/blocks", json=paid)).json()
    await acts.act("refund_block", "POST", f"/v1/blocks/{other['id']}/refund", {"reason": "they left"})


async def test_signals(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    # What is sent is written again at once, and then no row says any more in which transaction it was queued.
    monkeypatch.setattr(Lanes, "start_due", _nothing)
    async with signals_on(database, monkeypatch) as signals:
        await signals.tell(replace(fact(1), data={"term_end": START.date().isoformat()}))
        [told] = (await signals.get("/v1/signals"))["data"]
        acts = Acts("signals", database, signals.client)
        await _judge(acts, told["id"])
        await _manage(acts, told["id"])
        await _work_on_exceptions(acts, signals.context, "signals_exception", "webhook_given_up")
        assert acts.done == changing_operations("signals")


async def _judge(acts: Acts, signal: str) -> None:
    path = f"/v1/signals/{signal}"
    shown = await acts.act("acknowledge_signal", "POST", f"{path}/acknowledge")
    assert shown["acknowledged_by"] == "usr_maria"
    await acts.act("snooze_signal", "POST", f"{path}/snooze", {"until": "2100-01-01T00:00:00Z"})
    await acts.act("assign_signal", "POST", f"{path}/assign", {"to": "usr_maria"})
    await acts.act("note_signal", "POST", f"{path}/note", {"text": "called; will renew"})
    many = {"signals": [signal], "act": "note", "text": "said so again"}
    await acts.act("change_signals", "POST", "/v1/signals/many", many)
    await acts.act("record_signal_outcome", "POST", f"{path}/outcome", {"outcome": "renewed"})


async def _manage(acts: Acts, signal: str) -> None:
    made = await acts.act("create_webhook_endpoint", "POST", "/v1/webhook-endpoints", HOOK)
    path = f"/v1/webhook-endpoints/{made['id']}"
    await acts.act("change_webhook_endpoint", "PUT", path, HOOK | {"description": "changed"})
    await acts.act("rotate_webhook_secret", "POST", f"{path}/rotate-secret", {"overlap_hours": 1})
    await acts.act("enable_webhook_endpoint", "POST", f"{path}/enable")
    await acts.act("test_webhook_endpoint", "POST", f"{path}/test")
    await acts.act("replay_webhooks", "POST", f"{path}/replay", {"signal": signal})
    await acts.act("delete_webhook_endpoint", "DELETE", path)


async def test_usage_ingest(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving("usage_ingest", database, monkeypatch) as (context, client):
        acts = Acts("usage_ingest", database, client)
        made = await acts.act("create_key", "POST", "/v1/keys", {"name": "x", "scopes": ["usage:write"]})
        renewed = await acts.act("rotate_key", "POST", f"/v1/keys/{made['id']}/rotate", {})
        await acts.act("revoke_key", "POST", f"/v1/keys/{renewed['id']}/revoke")
        async with context.db.transaction() as uow:
            await keep(uow, [_faulty(number) for number in range(6)])
        await acts.act("replay_quarantined", "POST", "/v1/quarantine/qua_0/replay")
        await acts.act("discard_quarantined", "POST", "/v1/quarantine/qua_1/discard", {"reason": "a test"})
        right = {"event": event(id="right", time="2026-11-01T00:00:00Z")}
        await acts.act("repair_quarantined", "POST", "/v1/quarantine/qua_2/repair", right)
        await acts.act(
            "discard_quarantine",
            "POST",
            "/v1/quarantine/discard",
            {"code": "once", "after": "qua_4", "reason": "a test"},
        )
        await acts.act("replay_quarantine", "POST", "/v1/quarantine/replay", {})
        await _work_on_exceptions(acts, context, "ingest_exception")
        assert acts.done == changing_operations("usage_ingest")


def _faulty(number: int) -> QuarantineMessage:
    """An event that was faulty once, and is not by today's catalogue."""
    raw = json.dumps(event(id=f"once-{number}", time="2026-11-01T00:00:00Z")).encode()
    return QuarantineMessage(f"qua_{number}", "once", "once", raw, 1, 1)


async def _nothing(*_: Any) -> None: ...


async def _apart(uow: UnitOfWork, rows: Sequence[AuditRow]) -> None:
    """Rows that stay though the effect is rolled back."""
    connection = await asyncpg.connect(PLACE["url"], server_settings={"search_path": uow.schema})
    try:
        await Database._prepare(cast(Any, None), connection)
        await write_audit(UnitOfWork(connection, uow.schema), rows)
    finally:
        await connection.close()


PLACE = {"url": ""}
#: What is replaced → by what, and how that is found.
PLANTED = {
    "write_audit": (_nothing, "done without its audit row"),
    # whichever finds it first: two calls at once may come one after the other
    "keep": (_nothing, "twice at once|once more: done again"),
    "write_audit of another transaction": (_apart, "in no transaction of it"),
}


@pytest.mark.parametrize("planted", PLANTED)
async def test_a_planted_break_is_found(
    database: TestDatabase, monkeypatch: pytest.MonkeyPatch, planted: str
) -> None:
    PLACE["url"] = database.url("rating")
    instead, found = PLANTED[planted]
    async with serving("rating", database, monkeypatch) as (_context, client):
        monkeypatch.setattr(changes, planted.partition(" ")[0], instead)
        with pytest.raises(AssertionError, match=found):
            await Acts("rating", database, client).act("put_plan", "POST", "/v1/plans", {"plan": "pro"})


async def test_billing(database: TestDatabase, monkeypatch: pytest.MonkeyPatch) -> None:
    auditor = database.url("u2c_auditor")
    async with serving("billing", database, monkeypatch, auditor_database_url=auditor) as (context, client):
        acts = Acts("billing", database, client)
        await _review(acts, context)
        await _work_on_exceptions(acts, context, "exception", "statement_after_final")
        await acts.act("check_books", "POST", "/v1/reconciliation/checks")
        await _accept(acts, monkeypatch)
        assert acts.done == changing_operations("billing")


async def _accept(acts: Acts, monkeypatch: pytest.MonkeyPatch) -> None:
    """As if one event were in suspense: this book has no usage."""

    async def one_waits(*_: Any) -> Suspended:
        return Suspended(1, ())

    monkeypatch.setattr(suspense, "suspended_now", one_waits)
    seen = {"customer": "EV", "type": "call", "reason": "no_contract", "events": 1, "value": {}}
    because = {**seen, "because": "contract comes in May"}
    await acts.act("accept_suspense", "POST", "/v1/reconciliation/acceptances", because)


async def _work_on_exceptions(acts: Acts, context: Any, name: str, by_person: str = "") -> None:
    """`name`: how its routes are called; `by_person`: a kind that a person resolves, where the service has one."""
    async with context.db.transaction() as uow:
        case = NewCase(by_person or "message_refused", "a:2013-01-01", "it came late", "platform")
        opened = await open_exception(uow, case, machine_now())
    path = f"/v1/exceptions/{opened.exception_id}"
    await acts.act(f"assign_{name}", "POST", f"{path}/assign", {"to": "usr_bo"})
    await acts.act(f"note_{name}", "POST", f"{path}/note", {"note": "they know"})
    if by_person:
        await acts.act(f"resolve_{name}", "POST", f"{path}/resolve", {"note": "a book was put back"})


async def _review(acts: Acts, context: Any) -> None:
    """A draft whose books do not hold, so that it stays one: rating has settled nothing."""
    async with context.db.transaction() as uow:
        statements = (statement_of(), statement_of(month=2, final=True))
        await hear_statements(batch_of(statements), uow, machine_now())
    drafts = (await acts.client.get("/v1/invoices")).json()["data"]
    final, still_open = sorted(drafts, key=lambda draft: str(draft["state"]) == "open")
    path, seen = f"/v1/invoices/{final['id']}", {"total": still_open["total"]}
    policy = {"above": {"USD": "1.00"}, "changed_percent": "30", "reason": "agreed"}
    await acts.act("set_review_policy", "PUT", "/v1/review-policy", {"replaces": 0, **policy})
    # Who acts here does not approve what they ask for themselves.
    assert (await acts.client.put("/v1/review-policy", json={"replaces": 1, **policy})).is_success
    await acts.act("hold_invoice", "POST", f"{path}/hold", {"reason": "in dispute"})
    await acts.act("release_invoice", "POST", f"{path}/release")
    await acts.act("approve_invoice", "POST", f"{path}/approve", {"revisions": final["revisions"]})
    looked_at = {"revisions": still_open["revisions"], **seen}
    await acts.act("mark_invoice_seen", "POST", f"/v1/invoices/{still_open['id']}/seen", looked_at)
    hold = {"act": "hold", "document": final["id"], "reason": "in dispute again"}
    await acts.act("review_invoices", "POST", "/v1/invoices/reviews", {"acts": [hold]})


@pytest.mark.parametrize("says", [None, "it only looks"])
def test_a_route_that_says_nothing_of_what_it_changes_stops_the_service_at_start(says: str | None) -> None:
    router = APIRouter(prefix="/v1/open", dependencies=[requires("admin")])

    async def door() -> None: ...

    router.post("/door")(changes_nothing(says)(door) if says else door)

    async def setup(_foundation: Foundation[ServiceSettings]) -> None: ...

    service = Service(name="open", port=1, settings=ServiceSettings, routers=(router,), setup=setup)
    if says:
        build(service)
    else:
        with pytest.raises(AssertionError, match="/v1/open/door says neither that it is a changing call"):
            build(service)


async def test_a_row_is_history(database: TestDatabase) -> None:
    """Of its service's role, which may not even try, and of the administrator, whom the trigger refuses."""
    for service in SERVICES:
        row = AuditRow("aud_1", machine_now(), "usr_1", "key_1", "v", "o", "1", None, {"a": 1}, "r")
        db = Database(database.url(service), service, 2)
        await db.open()
        try:
            async with db.transaction() as uow:
                await write_audit(uow, [row])
            for harm in HARMS:
                with pytest.raises(asyncpg.InsufficientPrivilegeError):
                    await db.pool.execute(harm.format(service))
            assert await db.pool.fetchval(f"select actor from {service}.audit") == "usr_1"
        finally:
            await db.close()
        admin = await asyncpg.connect(database.admin_url)
        try:
            for harm in HARMS[:3]:
                with pytest.raises(asyncpg.PostgresError, match="who changed what is history"):
                    await admin.execute(harm.format(service))
        finally:
            await admin.close()


HARMS = (
    "update {}.audit set actor = 'nobody'",
    "delete from {}.audit",
    "truncate {}.audit",
    "alter table {}.audit disable trigger all",
    "create or replace function {0}.refuse_change_of_audit() returns trigger language sql as 'select null'",
)
