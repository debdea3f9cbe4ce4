"""What is open is measured as long as it is open, and what people must see first is counted from 0."""

from datetime import timedelta
from typing import Any

from prometheus_client import REGISTRY

from shared.cases import NewCase, open_exception, resolve_exception
from shared.http.middleware import REQUESTS
from shared.runtime import open_work
from tests.services.signals.deployment import START, Signals


def sample(name: str, **labels: Any) -> float | None:
    return REGISTRY.get_sample_value(name, {key: str(value) for key, value in labels.items()})


async def test_an_open_exception_is_measured_until_it_is_resolved(signals: Signals) -> None:
    of = {"service": "signals", "kind": "webhook_given_up", "owner": "customer success"}
    async with signals.context.db.transaction() as uow:
        await open_exception(
            uow, NewCase(of["kind"], "del_1", "late", owner=of["owner"]), START - timedelta(days=9)
        )
        await open_exception(uow, NewCase(of["kind"], "del_2", "in time", owner=of["owner"]), START)
    await open_work.measure(signals.context)
    assert (sample("u2c_exceptions_open", **of), sample("u2c_exceptions_overdue", **of)) == (2, 1)
    async with signals.context.db.transaction() as uow:
        for reference in ("del_1", "del_2"):
            await resolve_exception(uow, of["kind"], reference, START)
    await open_work.measure(signals.context)
    assert sample("u2c_exceptions_open", **of) is None


async def test_dead_letters_are_measured_until_they_are_replayed_or_discarded(signals: Signals) -> None:
    of, pool = {"group": "signals", "topic": "billing.documents"}, signals.context.db.pool
    await open_work.measure(signals.context)
    assert sample("u2c_dead_letters_open", **of) == 0
    await pool.execute("""insert into bus.dead_letters (grp, topic, partition, offset_, key, value, error,
        batch_id)
                          select 'signals', 'billing.documents', 0, n, '', '', 'no', 1
                              from generate_series(1, 2) n""")
    await open_work.measure(signals.context)
    assert sample("u2c_dead_letters_open", **of) == 2
    await pool.execute("update bus.dead_letters set replayed_at = now() where offset_ = 1")
    await pool.execute(
        "update bus.dead_letters set discarded_at = now(), discarded_by = 'me', discard_reason = 'no use' where offset_ = 2"
    )
    await open_work.measure(signals.context)
    assert sample("u2c_dead_letters_open", **of) == 0


async def test_the_first_of_each_is_seen(signals: Signals) -> None:
    """A rule over the increase of a counter sees no first one of a series that is born at 1."""
    assert (
        sample("u2c_consumer_records_total", group="signals", topic="billing.documents", outcome="dead")
        is not None
    )
    assert sample("u2c_http_requests_total", method="GET", route="/v1/customers", status=500) is not None
    assert REQUESTS._labelnames == ("method", "route", "status")
