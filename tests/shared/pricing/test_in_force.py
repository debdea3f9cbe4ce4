"""What is in force when: edges, the days between them, and what the clauses there are made of."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shared.pricing.in_force import effective_lines, effective_phases, stretches_of
from shared.pricing.lines import UsageLine
from shared.values.ids import clause_id
from shared.values.period import period_between
from tests.shared.pricing.contracts import JANUARY, chain, terms, usage_line


def phases(*days: str) -> list[dict[str, Any]]:
    return [{"from": day, "minimum_spend": str(number)} for number, day in enumerate(days, start=1)]


def test_versions_and_phases_make_edges_and_a_line_is_cut_only_where_it_changes() -> None:
    dearer = [usage_line({"model": "per_unit", "unit": "2"})]
    versions = chain(
        terms(phases=phases("2026-01-10")),
        terms(lines=dearer, phases=phases("2026-01-10"), effective="2026-01-16"),
    )
    found = stretches_of(versions, JANUARY)
    assert [(one.start.day, one.days, one.in_force.version, one.phase is None) for one in found] == [
        (1, 9, 1, True),
        (10, 6, 1, False),
        (16, 16, 2, False),
    ]
    old, new = effective_lines(found, "api", UsageLine, JANUARY)
    assert [(line.start.day, line.days, line.version) for line in (old, new)] == [(1, 15, 1), (16, 16, 2)]
    assert (new.clause, new.end) == (versions[1].terms.usage_lines[0], JANUARY.end)


def test_a_clause_names_what_it_is_made_of() -> None:
    versions = chain(terms(phases=phases("2026-01-10")))
    found = stretches_of(versions, JANUARY)
    (line,), (phase,) = effective_lines(found, "api", UsageLine, JANUARY), effective_phases(found, JANUARY)
    written = versions[0].terms
    assert (line.clause_ids, line.hashes) == (
        (clause_id("acme-2026", "lines", "api"),),
        (written.lines[0].hash,),
    )
    phase_id = clause_id("acme-2026", "phases", "2026-01-10")
    assert (phase.clause_ids, phase.hashes) == ((phase_id,), (written.phases[0].hash,))


def test_an_amendment_that_was_superseded_within_the_period_makes_no_edge() -> None:
    """Version 2 would hold from the 20th on, but 3, recorded later, holds from the 10th on."""
    versions = chain(terms(), terms(effective="2026-01-20"), terms(effective="2026-01-10"))
    assert [one.in_force.version for one in stretches_of(versions, JANUARY)] == [1, 3]


def test_a_day_belongs_to_what_is_in_force_when_it_begins() -> None:
    versions = chain(
        terms(), terms(effective="2026-01-16T12:00:00Z"), terms(effective="2026-01-16T13:00:00Z")
    )
    assert [one.days for one in stretches_of(versions, JANUARY)] == [16, 0, 15]
    hour_of_a_day = chain(terms(), terms(phases=phases("2026-01-01"), effective="2026-01-31T12:00:00Z"))
    assert effective_phases(stretches_of(hour_of_a_day, JANUARY), JANUARY) == ()


def test_a_phase_of_long_ago_or_far_ahead_is_no_edge() -> None:
    versions = chain(terms(phases=phases("0001-01-01", "2026-02-01", "9999-12-31")))
    (one,) = stretches_of(versions, JANUARY)
    assert one.phase is versions[0].terms.phases[0]


ZONES = ("UTC", "America/New_York", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Apia")
minutes = st.integers(0, 50 * 24 * 60).map(lambda count: timedelta(minutes=count))
moments = minutes.map(lambda since: datetime(2018, 10, 20, tzinfo=UTC) + since)


@given(
    zone=st.sampled_from(ZONES),
    effective=st.lists(moments, max_size=4),
    phase_days=st.sets(st.dates(date(2018, 10, 1), date(2018, 12, 31)), max_size=4),
)
def test_stretches_leave_no_gap_and_share_out_every_day(
    zone: str, effective: list[datetime], phase_days: set[date]
) -> None:
    """November in Sao Paulo begins its second Sunday at one o'clock: there is no midnight."""
    month = period_between(date(2018, 11, 1), date(2018, 12, 1), zone)
    written: dict[str, Any] = {
        "timezone": zone,
        "term": {"start": "2018-10-01", "months": 12},
        "phases": phases(*(day.isoformat() for day in sorted(phase_days))),
    }
    versions = chain(terms(**written), *(terms(**written, effective=moment) for moment in effective))
    found = stretches_of(versions, month)
    assert [found[0].start, *(one.end for one in found)] == [*(one.start for one in found), month.end]
    assert sum(one.days for one in found) == month.billed_days
    assert all(one.start < one.end and one.days >= 0 for one in found)
