"""A small benchmark for real: it gives every figure, and none when the books do not hold."""

from dataclasses import replace

import pytest

from lab.bench.balances import measure_balances
from lab.bench.run import Bench, BooksBroken, Wanted, bench

WANTED = Wanted(
    bus="postgres",
    seconds=3,
    events=6_000,
    customers=20,
    rate=2_000,
    stored=2_000,
    warm_up_s=1,
    statement_groups=True,
)
LESS = replace(WANTED, seconds=1, events=1_000, stored=0, bare=False, statement_groups=False)
pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]


@pytest.fixture(autouse=True)
def state(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("U2C_STATE", str(tmp_path))


def silent(_line: str) -> None:
    """Nobody reads along."""


async def test_every_figure_is_there() -> None:
    async with bench(WANTED, silent) as running:
        figures = await running.run()
    assert figures.load.unique_events > 5_000 and figures.stored_before > 2_000
    assert 0 < figures.events_per_s <= 2_100, "no more than was offered"
    seen, closing, costs = figures.latencies, figures.closing, figures.costs
    assert seen.samples >= 5 and seen.visible_p50_s is not None and 0 < seen.visible_p50_s < 60
    assert seen.freshness_p99_s is not None and 0 < seen.freshness_p99_s < 60
    assert seen.pages >= 3 and (seen.page_p99_s or 0) > 0
    # a draft a customer; in the first hour of a month what is sent an hour late is of the month before
    assert closing.drafts in (20, 40) and closing.cpu_us_per_draft > 0
    assert set(costs.cpu_s) == {"usage_ingest", "rating", "billing", "signals", "postgres", "client"}
    assert {"rating", "billing", "signals", "usage_ingest", "bench", "walwriter"} <= set(
        costs.postgres_us_per_event
    )
    assert all(mb > 1 for mb in costs.peak_rss_mb.values())
    assert figures.bytes_per_event["wal"] > 100 and (figures.ratio_to_bare or 0) > 0
    assert figures.bare is not None and figures.bare.cpu_us["produce"] > 0
    assert 0.9 < figures.tables_per_event["rating.events"]["inserted"] < 1.1
    assert set(figures.statements_per_event) == {"read", "due", "told"}
    assert figures.statements_per_event["read"] > 0, "somebody reads drafts all the time"
    assert {"insert into rating.event_keys", "copy rating.events"} <= {
        group["statement"] for group in figures.statement_groups
    }


async def test_balances_are_measured_beside_the_same_without() -> None:
    (found,) = await measure_balances(LESS, 1, silent)
    assert found["rate_ratio"] > 0 and found["cpu_us_per_event_without"] > 0
    assert found["cpu_ratio"] == pytest.approx(
        found["cpu_us_per_event_with"] / found["cpu_us_per_event_without"], abs=0.001
    )


async def test_broken_books_give_no_figure(monkeypatch: pytest.MonkeyPatch) -> None:
    check = Bench._check

    async def lose_one_and_check(self: Bench, *arguments: object) -> None:
        await self.scene.admin.execute("set session_replication_role = replica")
        await self.scene.admin.execute(
            "delete from rating.events where (batch_id, seq) in (select batch_id, seq from rating.events limit 1)"
        )
        await check(self, *arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Bench, "_check", lose_one_and_check)
    async with bench(LESS, silent) as running:
        with pytest.raises(BooksBroken) as broken:
            await running.run()
    assert any(fault.startswith("K3") for fault in broken.value.args)
