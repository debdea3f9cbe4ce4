"""Documents that hold too much of anything are refused whole, each list with its bound and what to do."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from shared.pricing import TermsInvalid, Totals, price_period, usage_needs
from tests.shared.pricing.contracts import JANUARY, chain, document, terms, usage_line

MANY = 10_000
TIERS = [*({"up_to": str(n), "unit": "1"} for n in range(1, MANY)), {"unit": "1"}]
DAYS = [(date(1990, 1, 1) + timedelta(days=n)).isoformat() for n in range(MANY)]


@pytest.mark.parametrize(
    ("over", "path", "most"),
    [
        ({"phases": [{"from": day, "minimum_spend": "1"} for day in DAYS]}, "phases", 200),
        (
            {"lines": [usage_line({"model": "graduated", "tiers": TIERS})]},
            "lines[0].price.tiers",
            100,
        ),
        (
            {"lines": [usage_line({"model": "blocks", "tiers": [{"size": 1, "max": 1, "price": 1}] * MANY})]},
            "lines[0].price.tiers",
            100,
        ),
        (
            {
                "lines": [
                    usage_line(
                        {
                            "model": "matrix",
                            "dimensions": ["r"],
                            "rates": [{"r": str(n), "unit": "1"} for n in range(MANY + 1)],
                        }
                    )
                ]
            },
            "lines[0].price.rates",
            MANY,
        ),
        (
            {"discounts": [{"key": f"d{n}", "percent": "1", "until": day} for n, day in enumerate(DAYS)]},
            "discounts",
            None,
        ),
        (
            {"lines": [usage_line(key=f"l{n}") for n in range(MANY)]},
            "lines",
            1000,
        ),
    ],
)
def test_a_list_that_is_too_long_names_its_bound_and_the_remedy(
    over: dict[str, Any], path: str, most: int | None
) -> None:
    with pytest.raises(TermsInvalid) as refused:
        terms(**over)
    (error,) = refused.value.errors
    assert (error["path"], error["code"]) == (path, "too_long")
    assert f"At most {most or ''}" in error["detail"] and "leave out" in error["detail"]


AMOUNTS: list[tuple[dict[str, Any], str]] = [
    ({"lines": [usage_line({"model": "flat", "amount": "SUM"})]}, "lines[0].price.amount"),
    ({"lines": [usage_line({"model": "per_unit", "unit": "SUM"})]}, "lines[0].price.unit"),
    ({"lines": [usage_line(maximum="SUM")]}, "lines[0].maximum"),
    ({"lines": [usage_line(included={"units": "SUM"})]}, "lines[0].included.units"),
    (
        {"lines": [{"key": "f", "kind": "one_off", "amount": "SUM", "date": "2026-01-01"}]},
        "lines[0].amount",
    ),
    ({"lines": [{"key": "f", "kind": "recurring", "amount": "SUM"}]}, "lines[0].amount"),
    ({"cap": {"spend_per_period": "SUM"}}, "cap.spend_per_period"),
    ({"phases": [{"from": "2026-01-01", "minimum_spend": "SUM"}]}, "phases[0].minimum_spend"),
]


@pytest.mark.parametrize(("over", "path"), AMOUNTS)
@pytest.mark.parametrize("written", ["1e19", "1" + 19 * "0", 10**19, 1e19])
def test_an_amount_of_a_one_and_nineteen_noughts_is_refused_however_it_is_written(
    over: dict[str, Any], path: str, written: Any
) -> None:
    with pytest.raises(TermsInvalid) as refused:
        terms(**with_sum(over, written))
    (error,) = refused.value.errors
    assert (error["path"], error["code"]) == (path, "not_a_decimal")
    assert "19 integer digits" in error["detail"]


def with_sum(written: Any, amount: Any) -> Any:
    if isinstance(written, dict):
        return {name: with_sum(value, amount) for name, value in written.items()}
    if isinstance(written, list):
        return [with_sum(value, amount) for value in written]
    return amount if written == "SUM" else written


def test_as_many_versions_as_a_contract_may_have_in_one_period_are_priced() -> None:
    """A thousand amendments, one every half hour, each at another price."""
    begins = datetime(2026, 1, 2, tzinfo=UTC)
    prices = [
        terms(
            lines=[usage_line({"model": "per_unit", "unit": str(1 + n % 7)})],
            effective=(begins + timedelta(minutes=30 * n)).isoformat(),
        )
        for n in range(1000)
    ]
    versions = chain(terms(**{k: v for k, v in document().items() if k == "lines"}), *prices)
    needs: tuple[Totals, ...] = usage_needs(versions, JANUARY)
    priced = price_period(versions, JANUARY, {need: {} for need in needs})
    assert len(needs) == 1000 and priced.subtotal_minor == 0
