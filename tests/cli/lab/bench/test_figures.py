"""The arithmetic behind the figures, by hand."""

import pytest

from lab.bench.bare import BareRates
from lab.bench.causes import counted
from lab.bench.footprint import Footprint, Table
from lab.bench.latency import quantile
from lab.bench.machine import Processes
from lab.bench.rounds import shown
from lab.bench.spent import Spent
from lab.bench.statement_groups import Groups, label_of


def test_ratio_is_the_rate_times_the_sum_of_the_parts_times() -> None:
    # 1 + 4 + 2 + 10 = 17 µs an event
    bare = BareRates(decode=1_000_000, produce=250_000, consume=500_000, copy=100_000)
    assert bare.ratio(20_000) == pytest.approx(0.34)


def test_quantiles_are_values_that_were_measured() -> None:
    values = [number / 100 for number in range(1, 101)]
    assert quantile(values, 0.5) == 0.51
    assert quantile(values, 0.99) == 1.0
    assert quantile([], 0.5) is None


def test_what_an_event_costs_on_disk_is_what_was_added() -> None:
    events, other = Table(500, 400, inserted=10, updated=5, updated_in_place=4), Table(70, 30)
    before = Footprint(10_000, {"rating.events": events, "billing.documents": other})
    after = Footprint(
        90_000,
        {
            "rating.events": Table(1_500, 900, inserted=110, updated=55, updated_in_place=44, deleted=1),
            "billing.documents": other,
        },
    )
    assert after.per_event(before, 100) == {"table": 10, "index": 5, "wal": 800}
    assert after.tables_per_event(before, 100) == {
        "rating.events": {
            "table_bytes": 10,
            "index_bytes": 5,
            "inserted": 1,
            "updated": 0.5,
            "updated_in_place": 0.4,
            "deleted": 0.01,
        }
    }, "what did not change is left out"


def test_what_no_look_saw_of_the_server_is_told_as_other() -> None:
    first = Spent({"postgres": 2.0, "rating": 1.0, "client": 1.0}, {"rating": 1.5})
    then = Spent({"postgres": 6.0, "rating": 3.0, "client": 4.0}, {"rating": 2.5, "walwriter": 2.0})
    assert then.product_s == 9.0
    assert then.after(first).cpu_s == {"postgres": 4.0, "rating": 2.0, "client": 3.0}
    assert then.after(first).by_role() == {"walwriter": 2.0, "rating": 1.0, "other": 1.0}


def test_a_stage_tells_the_median_and_how_far_its_rounds_lie_apart() -> None:
    found = shown([{"cpu": 3.0}, {"cpu": 1.0}, {"cpu": 2.0, "only here": 1.0}])
    assert (found["median"], found["least"], found["most"]) == ({"cpu": 2.0}, {"cpu": 1.0}, {"cpu": 3.0})


LOG = """2026-11-29 10:00:00.000 UTC [11] u2c_rating@u2c LOG:  BIND MESSAGE STATISTICS
2026-11-29 10:00:00.000 UTC [11] u2c_rating@u2c DETAIL:  ! system usage stats:
\t!\t0.000100 s user, 0.000020 s system, 0.000500 s elapsed
\t!\t[0.500000 s user, 0.100000 s system total]
2026-11-29 10:00:00.000 UTC [11] u2c_rating@u2c STATEMENT:  with fresh as (
\t    insert into rating.event_keys select $1 returning key)
\tselect * from fresh
2026-11-29 10:00:00.001 UTC [11] u2c_rating@u2c LOG:  EXECUTE MESSAGE STATISTICS
2026-11-29 10:00:00.001 UTC [11] u2c_rating@u2c DETAIL:  ! system usage stats:
\t!\t0.000200 s user, 0.000000 s system, 0.000500 s elapsed
2026-11-29 10:00:00.001 UTC [11] u2c_rating@u2c STATEMENT:  with fresh as (insert into rating.event_keys select 1)
2026-11-29 10:00:00.002 UTC [12] @ LOG:  checkpoint starting: time
2026-11-29 10:00:00.003 UTC [13] u2c_billing@u2c LOG:  QUERY STATISTICS
2026-11-29 10:00:00.003 UTC [13] u2c_billing@u2c DETAIL:  ! system usage stats:
\t!\t0.000030 s user, 0.000000 s system, 0.000500 s elapsed
2026-11-29 10:00:00.003 UTC [13] u2c_billing@u2c STATEMENT:  commit
"""


def test_what_a_statement_costs_is_read_from_the_servers_log() -> None:
    groups = Groups()
    groups.read(LOG.splitlines(keepends=True))
    assert groups.per_event(10) == [
        {
            "role": "rating",
            "statement": "insert into rating.event_keys",
            "us_per_event": 32.0,
            "calls_per_event": 0.1,
            "us_per_call": 320.0,
        },
        {
            "role": "billing",
            "statement": "commit",
            "us_per_event": 3.0,
            "calls_per_event": 0.1,
            "us_per_call": 30.0,
        },
    ]


@pytest.mark.parametrize(
    ("statement", "label"),
    [
        ('COPY "rating"."events"("key") FROM STDIN', "copy rating.events"),
        ("select 1 from rating.marks m join rating.stale s on true for update of m", "select rating.marks"),
        (
            "select u.hour from unnest($1::text[]) a (b) join rating.usage_hours u on true",
            "select rating.usage_hours",
        ),
        ("insert into a.b values (1) on conflict do update set c = 1", "insert into a.b"),
        ("begin isolation level repeatable read", "begin isolation level repeatable read"),
    ],
)
def test_a_statement_is_called_by_what_it_does(statement: str, label: str) -> None:
    assert label_of(statement) == label


def test_causes_are_those_that_rating_counts() -> None:
    told = '# TYPE x counter\nu2c_statements_priced_total{cause="read"} 12.0\nu2c_statements_priced_total{cause="due"} 3.0\n'
    assert counted(told) == {"read": 12, "due": 3}
    assert counted("u2c_pricing_backlog 4.0\n") == {}


def test_memory_growth_leaves_the_first_minute_out_and_is_not_guessed_from_less_than_another() -> None:
    processes = Processes({})
    processes.samples = {
        "grows": [(float(at), 500.0 if at < 60 else 100 + (at - 60) * 2 / 60) for at in range(180)],
        "short": [(float(at), 100.0) for at in range(90)],
    }
    growth = processes.growth_mb_per_min()
    assert growth["grows"] == pytest.approx(2.0, abs=0.01)
    assert growth["short"] is None
