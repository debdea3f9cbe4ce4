"""What is kept how long is stated in one table and done: what is past its time goes by set, the rest stays,
and K2 says what it said before."""

from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from services.billing.conservation.answers.checked import CheckedAnswer
from services.billing.conservation.checks.k2_door import door
from services.billing.conservation.clients import snapshot
from services.billing.conservation.jobs import forget_looks
from services.billing.conservation.usecases.keep_checks import LOOKING
from services.signals.webhooks.jobs import forget_deliveries
from services.usage_ingest.receipts.jobs import forget_receipts
from services.usage_ingest.receipts.repository import ReceiptRepository
from shared.postgres.setup import SERVICES
from shared.runtime.clock import machine_now
from shared.runtime.retention import BATCH_ROWS, TABLE, forget, forget_idempotency_keys
from shared.topics.usage_ingest import ReceiptMessage
from shared.values.ids import first_id, new_id
from shared.values.instants import to_us
from tests.conftest import TestDatabase
from tests.system.security.conftest import Serve
from u2c.deployment.state import ROOT

DOCUMENT = ROOT / "docs" / "security.md"


def ago(days: float) -> datetime:
    return machine_now() - timedelta(days=days)


def test_the_table_is_the_one_that_was_promised_and_the_documents_say_it() -> None:
    assert [(kept.what, kept.days) for kept in TABLE] == [
        ("idempotency keys", 7),
        ("checks of the books that a look asked for", 1),
        ("webhook deliveries", 90),
        ("receipts", 800),
        ("batch rows", None),
        ("audit rows", None),
    ]
    text = DOCUMENT.read_text(encoding="utf-8")
    assert not [
        kept for kept in TABLE if f"| {kept.what} | {kept.days or 'for ever'} | {kept.then} |" not in text
    ]


@pytest.mark.parametrize("service", SERVICES)
async def test_idempotency_keys_go_after_a_week_in_bounded_steps(
    serve: Serve, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shared.runtime.retention.STEP_ROWS", 100)
    async with serve(service) as served:
        add = f"""insert into {service}.idempotency_keys (key_id, idempotency_key, request_hash, status, body,
            created_at)
            select 'k', $1 || n, '', 200, '', $2 from generate_series(1, $3::int) n"""
        await served.context.db.pool.execute(add, "old", ago(7.01), 250)
        await served.context.db.pool.execute(add, "new", ago(6.99), 3)
        await forget_idempotency_keys(served.context)
        left = await served.context.db.pool.fetch(
            f"select idempotency_key from {service}.idempotency_keys order by 1"
        )
        assert [row["idempotency_key"] for row in left] == ["new1", "new2", "new3"]


async def test_settled_deliveries_go_with_their_attempts_90_days_after_the_last_one(serve: Serve) -> None:
    async with serve("signals", webhook_key="x") as signals:
        pool = signals.context.db.pool

        async def add(name: str, made: float, state: str, *attempts: float) -> None:
            # Due in a year: the sender that runs here must not try what waits.
            # At once: the job that forgets runs here too, and would take one whose attempts are still to come.
            delivery = first_id("dlv", ago(made)) + name
            async with signals.context.db.transaction() as uow:
                await uow.connection.execute(
                    """insert into signals.deliveries (delivery_id, endpoint_id, signal_id, customer, sequence,
                        state, attempts, due_at, created_at)
                       values ($1, 'whe', $2, 'c', 1, $3, 1, now() + interval '1 year', now())""",
                    delivery,
                    name,
                    state,
                )
                for at in attempts:
                    await uow.connection.execute(
                        """insert into signals.attempts (attempt_id, delivery_id, number, at, business_at,
                            took_ms, request, response)
                           values ($1, $2, 1, $3, $3, 1, '{}', '')""",
                        new_id("att"),
                        delivery,
                        ago(at),
                    )

        await add("old", 91, "delivered", 91)
        await add("given-up", 120, "given_up", 120, 117)
        await add("waits", 120, "pending", 120)
        await add("young", 89, "delivered", 89)
        await add("replayed", 120, "delivered", 120, 1)
        await forget_deliveries(signals.context)
        left = {
            row["signal_id"]: row["n"]
            for row in await pool.fetch(
                """select signal_id, (select count(*) from signals.attempts a
                    where a.delivery_id = d.delivery_id) as n from signals.deliveries d"""
            )
        }
        assert left == {"waits": 1, "young": 1, "replayed": 2}
        assert await pool.fetchval("select count(*) from signals.attempts") == 4, (
            "no attempt without its delivery"
        )


async def test_what_a_look_at_the_books_found_goes_after_a_day_but_for_the_last(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.billing.conservation.jobs.STEP_ROWS", 1)
    monkeypatch.setattr("shared.runtime.retention.STEP_ROWS", 1)
    async with serve("billing") as billing:
        pool = billing.context.db.pool

        async def left() -> list[str]:
            await forget_looks(billing.context)
            assert not await pool.fetchval(
                """select count(*) from billing.conservation_results
                   where check_id not in (select check_id from billing.conservation_checks)"""
            )
            rows = await pool.fetch("select check_id from billing.conservation_checks order by 1")
            return [row["check_id"] for row in rows]

        for name, by, days in (
            ("of_schedule", "schedule", 3.0),
            ("of_ana", "usr_ana", 3.0),
            ("older", LOOKING, 2.0),
            ("old", LOOKING, 1.01),
            ("young", LOOKING, 0.99),
        ):
            await pool.execute(
                "insert into billing.conservation_checks (check_id, by, state, done_at) values ($1, $2, 'done', $3)",
                name,
                by,
                ago(days),
            )
            await pool.execute(
                "insert into billing.conservation_results values ($1, 'K1', $2, '{}', 0, true, 0, '{}')",
                name,
                ago(days),
            )
        assert await left() == ["of_ana", "of_schedule", "young"]
        await pool.execute("update billing.conservation_checks set done_at = $1", ago(2))
        await pool.execute(
            "update billing.conservation_checks set done_at = $1 where check_id = 'young'", ago(1.5)
        )
        assert await left() == ["of_ana", "of_schedule", "young"], (
            "the last one is what is shown without another"
        )


async def test_receipts_go_after_800_days_and_k2_says_what_it_said(
    serve: Serve, database: TestDatabase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Among them a receipt that promises more than was ever taken: that break must not go with it."""
    async with serve("usage_ingest") as ingest:
        await _receive(ingest.context, "old", 900, 5)
        await _receive(ingest.context, "usage.raw-old", 801, 3, key="usage.raw:0:0-3")
        await _receive(ingest.context, "new", 799, 2)
        await _receive(ingest.context, "now", 0, 1)
        before = await _k2(database)
        assert {broken["fault"] for broken in before["breaks"]} == {
            "receipts_exceed_taken",
            "receipts_exceed_bus",
        }
        monkeypatch.setattr("services.usage_ingest.receipts.jobs.STEP_ROWS", 1)
        monkeypatch.setattr("shared.runtime.retention.STEP_ROWS", 1)
        await forget_receipts(ingest.context)
        left = await ingest.context.db.pool.fetch("select source from usage_ingest.receipts order by 1")
        assert [row["source"] for row in left] == ["new", "now"]
        assert await _k2(database) == before
        await ingest.context.db.pool.execute("delete from usage_ingest.receipts where source = 'now'")
        assert "hour_off" in {broken["fault"] for broken in (await _k2(database))["breaks"]}, (
            "what is still kept is still compared"
        )


async def test_batch_rows_are_never_deleted(serve: Serve, database: TestDatabase) -> None:
    async with serve("usage_ingest") as ingest:
        with pytest.raises(AssertionError, match="for ever"):
            await forget(ingest.context, BATCH_ROWS, _never)
    places = [path for folder in ("services", "shared", "cli") for path in (ROOT / folder).rglob("*.py")]
    assert len(places) > 300
    assert not [
        path
        for path in places
        if "delete from bus.batches" in path.read_text(encoding="utf-8").lower()
        and path.name != "sabotage.py"
    ]


async def _never(*_: Any) -> int:
    raise AssertionError("deleted")


async def _receive(context: Any, source: str, days: float, events: int, key: str = "key_1") -> None:
    async with context.db.transaction() as uow:
        await ReceiptRepository(uow.connection).store(
            [ReceiptMessage(new_id("rec"), key, source, to_us(ago(days)), events, events, 0, 0)]
        )


async def _k2(database: TestDatabase) -> dict[str, Any]:
    connection = await asyncpg.connect(database.admin_url, server_settings={"timezone": "UTC"})
    try:
        async with snapshot(connection):
            shown: dict[str, Any] = CheckedAnswer.of(await door(connection)).as_json()
        return shown
    finally:
        await connection.close()
