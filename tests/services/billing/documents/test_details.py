"""The small print under an invoice line: it says how the amount came about, and adds up to it."""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.billing.documents.domain.details import details_of
from services.billing.documents.domain.document import Document, Line
from services.billing.documents.domain.kinds import INVOICE
from services.billing.documents.domain.steps import ClauseTerms, PricedPart, parts_of
from services.billing.documents.page import page_of
from services.billing.tracing.domain.clauses import clause_of
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import to_document
from shared.pricing.results import PricedLine, PricedPeriod
from shared.topics.rating import PERIOD, ContractVersion, StatementSegment
from shared.values.instants import to_us
from shared.values.made_from import made_from
from tests.shared.pricing.contracts import chain, price, terms, usage_line

TIERS = {"model": "graduated", "tiers": [{"up_to": "1000", "unit": "0.10"}, {"unit": "0.05", "flat": "3"}]}
CHEAPER = {"model": "graduated", "tiers": [{"up_to": "1000", "unit": "0.08"}, {"unit": "0.04"}]}
VOLUME = {"model": "volume", "tiers": [{"up_to": "1000", "unit": "2"}, {"unit": "1.5"}]}
PACKS = {"model": "package", "size": "100", "price": "12000.00"}
FLAT = {"model": "flat", "amount": "9.00", "when": "used"}
PERCENT = {"model": "percentage", "rate": "1.3"}
RATES = {
    "model": "graduated_percentage",
    "tiers": [{"up_to": "1000", "rate": "1.5"}, {"rate": "1", "flat": "1"}],
}
UNIT = {"model": "per_unit", "unit": "333.335"}
FEE = {"key": "api", "kind": "recurring", "amount": "1000.00"}


def versions(
    old: dict[str, Any], new: dict[str, Any] | None = None, **line: Any
) -> tuple[VersionInForce, ...]:
    later = [terms(lines=[usage_line(new, **line)], effective="2026-01-16")] if new else []
    return chain(terms(lines=[usage_line(old, **line)]), *later)


def line_of(priced: PricedLine) -> Line:
    segments = tuple(
        StatementSegment(
            to_us(s.start),
            to_us(s.end),
            s.version,
            s.clause_hash,
            s.quantity,
            s.allowance,
            s.priced,
            s.exact,
            s.group,
        )
        for s in priced.segments
    )
    return made_from(
        Line,
        priced,
        contract="acme-2026",
        period_start=datetime(2026, 1, 1, tzinfo=UTC),
        start_date=date(2026, 1, 1),
        end_date=date(2026, 1, 31),
        statement_id="",
        meter=priced.meter,
        description=priced.description,
        segments=segments,
    )


def document_of(priced: PricedPeriod, currency: str = "USD", legal_entity: str = "default") -> Document:
    now = datetime(2026, 2, 4, tzinfo=UTC)
    return Document(
        "inv_1",
        INVOICE,
        "finalized",
        "X-2026-000001",
        "acme-2026",
        "acme",
        "Acme",
        legal_entity,
        currency,
        "UTC",
        date(2026, 1, 1),
        date(2026, 1, 31),
        PERIOD,
        date(2026, 2, 4),
        date(2026, 3, 6),
        priced.subtotal_minor,
        priced.subtotal_minor,
        None,
        (),
        now,
        now,
        tuple(line_of(line) for line in priced.lines),
    )


def heard(versions_in_force: Sequence[VersionInForce]) -> ClauseTerms:
    """The clauses as billing hears them."""
    contract = versions_in_force[0].terms.contract
    told = [
        ContractVersion(v.version, effective_us=0, recorded_us=0, content_hash="", terms=to_document(v.terms))
        for v in versions_in_force
    ]

    def terms_of(clause: str, version: int) -> Any:
        found = clause_of(contract, told, clause, version)
        return found.terms if found else None

    return terms_of


def details(versions_in_force: Sequence[VersionInForce], *quantities: str) -> list[str]:
    document = document_of(price(versions_in_force, *quantities))
    (line, *_) = document.lines
    return details_of(document, line, parts_of(line, heard(versions_in_force)))


def cost_of(part: PricedPart) -> Decimal:
    return sum((step.count * step.at + step.flat for step in part.steps), Decimal(0)) - part.earlier_cost


@pytest.mark.parametrize(
    "old", [TIERS, CHEAPER, VOLUME, {**VOLUME, "flat_at_zero": "none"}, PACKS, UNIT, FLAT, PERCENT, RATES]
)
@pytest.mark.parametrize("new", [None, CHEAPER, VOLUME, PACKS, UNIT, FLAT, RATES])
@pytest.mark.parametrize("line", [{}, {"included": "100"}, {"on_change": "restart"}])
@pytest.mark.parametrize("quantities", [("0", "0"), ("1", "2000"), ("1000", "1"), ("1500.5", "1500")])
def test_the_steps_of_every_model_are_known_and_add_up(
    old: dict[str, Any],
    new: dict[str, Any] | None,
    line: dict[str, Any],
    quantities: tuple[str, str],
) -> None:
    chained = versions(old, new, **line)
    priced = price(chained, *(quantities if new and new != old else quantities[:1]))
    (settled,) = document_of(priced).lines
    parts = parts_of(settled, heard(chained))
    assert settled.segments is not None
    assert len(parts) == len(settled.segments) and all(part.steps for part in parts)
    assert [cost_of(part) for part in parts] == [segment.exact for segment in settled.segments]


def test_a_unit_price_and_what_rounding_did() -> None:
    assert details(versions(UNIT), "5") == [
        "5 × $333.335 = $1,666.675",
        "together $1,666.675, rounded to $1,666.68",
    ]


def test_graduated_tiers_behind_an_allowance() -> None:
    assert details(versions(TIERS, included="100"), "4100") == [
        "4,100 used, 100 included or carried",
        "1,000 × $0.10 (up to 1,000) = $100.00",
        "3,000 × $0.05 + $3.00 (beyond) = $153.00",
    ]


def test_volume_and_packs() -> None:
    assert details(versions(VOLUME), "4926") == ["4,926 × $1.50 (in the last tier) = $7,389.00"]
    assert details(versions(PACKS), "401") == ["5 × $12,000.00 (packs of 100) = $60,000.00"]


def test_flat_and_shares_of_a_value() -> None:
    assert details(versions(FLAT), "12") == ["1 × $9.00 = $9.00"]
    assert details(versions(PERCENT), "200") == ["200 × $0.013 = $2.60"]
    assert details(versions(RATES), "1200") == [
        "1,000 × $0.015 (up to 1,000) = $15.00",
        "200 × $0.01 + $1.00 (beyond) = $3.00",
    ]


def test_an_amendment_tells_both_parts_and_takes_off_what_the_first_charged() -> None:
    assert details(versions(TIERS, CHEAPER), "500", "1000") == [
        "1 Jan – 15 Jan · terms version 1 · 500 × $0.10 (up to 1,000) = $50.00",
        "16 Jan – 31 Jan · terms version 2 · 1,000 × $0.08 (up to 1,000) = $80.00",
        "16 Jan – 31 Jan · terms version 2 · 500 × $0.04 (beyond) = $20.00",
        "16 Jan – 31 Jan · terms version 2 · less 500 before the terms changed = -$40.00",
    ]


def test_fees_whole_and_by_the_day() -> None:
    whole, changed = (
        chain(terms(lines=[FEE])),
        chain(terms(lines=[FEE]), terms(lines=[{**FEE, "amount": "2000.00"}], effective="2026-01-16")),
    )
    assert details(whole) == ["1 × $1,000.00 = $1,000.00"]
    assert details(changed)[0] == "1 Jan – 15 Jan · terms version 1 · 0.483870967742 for about $483.870968"
    assert details(changed)[-1] == "together about $1,516.129032, rounded to $1,516.13"


def test_a_minimum_says_what_it_lifts_the_charges_to() -> None:
    chained = chain(
        terms(
            lines=[usage_line({"model": "per_unit", "unit": "1"})],
            phases=[{"from": "2026-01-01", "minimum_spend": "160"}],
        )
    )
    document = document_of(price(chained, "100"))
    line = document.lines[1]
    assert line.kind == "minimum" and line.amount_minor == 6000
    assert details_of(document, line, parts_of(line, heard(chained))) == [
        "lifts the charges of the period to the agreed minimum of $160.00"
    ]


def test_terms_that_do_not_add_up_to_what_was_settled_are_not_shown() -> None:
    document = document_of(price(versions(UNIT), "5"))
    (line,) = document.lines
    (part,) = parts_of(line, heard(versions(PACKS)))
    assert part.steps == () and details_of(document, line, (part,))[0] == "5 for $1,666.675"
    assert [part.steps for part in parts_of(line, lambda clause, version: None)] == [()]


def test_the_page_prints_the_details_and_an_issuer_only_where_the_terms_name_one() -> None:
    chained = versions(VOLUME)
    document = document_of(price(chained, "4926"))
    page = page_of(document, heard(chained))
    assert (
        re.search(r'class="detail">4,926 × \$1\.50 \(in the last tier\) = \$7,389\.00<', page)
        and "Issued by" not in page
    )
    assert re.search(
        r"Issued by</h2>\s+<p class=\"issuer\">Northgate<",
        page_of(replace(document, legal_entity="Northgate"), heard(chained)),
    )
