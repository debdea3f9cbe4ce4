"""Each stage for real, small: its figure and its parts are there, round by round."""

from collections.abc import Awaitable, Callable

import pytest

from lab.bench.checkout import own
from lab.bench.corrections import CorrectionsWanted, measure_corrections
from lab.bench.fold import FoldWanted, measure_fold
from lab.bench.gate import GateWanted, measure_gate
from lab.bench.idle import IdleWanted, measure_idle
from lab.bench.metering import MeteringWanted, measure_metering
from lab.bench.pricing import PricingWanted, measure_pricing
from lab.bench.rounds import Rounds
from lab.bench.statements import StatementsWanted, measure_statements

Measure = Callable[[Callable[[str], None]], Awaitable[Rounds]]
pytestmark = [pytest.mark.long, pytest.mark.timeout(600)]

#: Stage → how it is measured, its figure, and the parts of it that add up to it.
STAGES: dict[str, tuple[Measure, str, set[str]]] = {
    "metering": (
        lambda say: measure_metering(own(), MeteringWanted("postgres", 2_000, 20, rounds=1), say),
        "cpu_us_per_event",
        {"rating", "postgres"},
    ),
    "fold": (
        lambda say: measure_fold(FoldWanted(customers=20, rounds=1), say),
        "sparse_50000_us",
        {"sparse_50000_python_us", "sparse_50000_postgres_us"},
    ),
    "pricing": (
        lambda say: measure_pricing(PricingWanted(statements=200, rounds=1), say),
        "first_us",
        {"layout_us", "statement_us"},
    ),
    "statements": (
        lambda say: measure_statements(own(), StatementsWanted("postgres", 50, 1_000, rounds=1), say),
        "cpu_us_per_draft",
        {"usage_ingest", "rating", "billing", "signals", "postgres"},
    ),
    "gate": (
        lambda say: measure_gate(own(), GateWanted("postgres", 20, 1_000, rounds=1), say),
        "cpu_us_per_contract",
        {"billing", "postgres for billing", "postgres for the checker", "postgres, not seen"},
    ),
    "corrections": (
        lambda say: measure_corrections(own(), CorrectionsWanted("postgres", 5, 12, 200, 200, rounds=1), say),
        "told_s",
        {"applied_s", "corrected_s"},
    ),
    "idle": (
        lambda say: measure_idle(own(), IdleWanted("postgres", seconds=2, rounds=1), say),
        "percent_of_a_core",
        {"usage_ingest", "rating", "billing", "signals", "postgres"},
    ),
}


@pytest.fixture(autouse=True)
def state(tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("U2C_STATE", str(tmp_path))


@pytest.mark.parametrize("stage", STAGES)
async def test_a_stage_gives_its_figure_and_the_parts_of_it(stage: str) -> None:
    measure, figure, parts = STAGES[stage]
    (found,) = await measure(lambda _line: None)
    assert found[figure] > 0
    assert sum(found[part] for part in parts) == pytest.approx(found[figure], rel=0.01, abs=1)
