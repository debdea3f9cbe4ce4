"""The small print under an invoice line: it says how the amount came about, and adds up to it."""

import html
import re
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Any

from services.billing.documents.answers import DocumentAnswer
from services.billing.documents.page import page_of, text_of
from shared.pricing import VersionInForce, price_period, usage_needs
from shared.pricing.explanation.paper import NOT_KEPT
from tests.services.billing.priced import document_of
from tests.shared.pricing.contracts import JANUARY, chain, price, terms, usage_line

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


def details(versions_in_force: Sequence[VersionInForce], *quantities: str) -> list[str]:
    """What the page says under the first line."""
    page = page_of(document_of(price(versions_in_force, *quantities)))
    (under, *_) = page.partition("<tbody>")[2].split("</tr>")
    return [html.unescape(text) for text in re.findall(r'class="detail">(.*?)</p>', under)]


def test_a_unit_price_and_what_rounding_did() -> None:
    assert details(versions(UNIT), "5") == [
        "5 at $333.335 = $1,666.675",
        "together $1,666.675 rounded half up to $1,666.68",
    ]


def test_graduated_tiers_behind_an_allowance() -> None:
    assert details(versions(TIERS, included="100"), "4100") == [
        "4,100 used, 100 included or carried",
        "up to 1,000: 1,000 at $0.10 = $100.00",
        "beyond: 3,000 at $0.05 plus $3.00 = $153.00",
    ]


def test_volume_and_packs() -> None:
    assert details(versions(VOLUME), "4926") == ["4,926 at $1.50, the last tier = $7,389.00"]
    assert details(versions(PACKS), "401") == ["5 packs of 100 at $12,000.00 = $60,000.00"]


def test_flat_and_shares_of_a_value() -> None:
    assert details(versions(FLAT), "12") == ["1 at $9.00 = $9.00"]
    assert details(versions(PERCENT), "200") == ["200 at $0.013 = $2.60"]
    assert details(versions(RATES), "1200") == [
        "up to 1,000: 1,000 at $0.015 = $15.00",
        "beyond: 200 at $0.01 plus $1.00 = $3.00",
    ]


def test_an_amendment_tells_both_parts_and_takes_off_what_the_first_charged() -> None:
    assert details(versions(TIERS, CHEAPER), "500", "1000") == [
        "1 Jan – 15 Jan · terms version 1 · up to 1,000: 500 at $0.10 = $50.00",
        "16 Jan – 31 Jan · terms version 2 · up to 1,000: 1,000 at $0.08 = $80.00",
        "16 Jan – 31 Jan · terms version 2 · beyond: 500 at $0.04 = $20.00",
        "16 Jan – 31 Jan · terms version 2 · less up to 1,000: 500 at $0.08, before the change = -$40.00",
    ]


def test_dimensions_are_named_where_a_price_tells_them_apart() -> None:
    matrix = {"model": "matrix", "dimensions": ["region"], "rates": [{"region": "eu", "unit": "2"}]}
    chained = versions(matrix)
    (need,) = usage_needs(chained, JANUARY)
    priced = price_period(chained, JANUARY, {need: {(("region", "eu"),): Decimal(3)}}, explain=True)
    assert "region eu · 3 at $2.00 = $6.00" in page_of(document_of(priced))


def test_fees_whole_and_by_the_day() -> None:
    whole, changed = (
        chain(terms(lines=[FEE])),
        chain(terms(lines=[FEE]), terms(lines=[{**FEE, "amount": "2000.00"}], effective="2026-01-16")),
    )
    assert details(whole) == ["$1,000.00"]
    assert details(changed) == [
        "1 Jan – 15 Jan · terms version 1 · $1,000.00 × 15 of 31 days = about $483.870968",
        "16 Jan – 31 Jan · terms version 2 · $2,000.00 × 16 of 31 days = about $1,032.258065",
        "together about $1,516.129032 rounded half up to $1,516.13",
    ]


MINIMUM = chain(
    terms(
        lines=[usage_line({"model": "per_unit", "unit": "1"})],
        phases=[{"from": "2026-01-01", "minimum_spend": "160"}],
    )
)


def test_a_minimum_says_what_it_lifts_the_charges_to() -> None:
    document = document_of(price(MINIMUM, "100"))
    assert document.lines[1].kind == "minimum" and document.lines[1].amount_minor == 6000
    assert "top-up to the minimum of $160.00 = $60.00<" in page_of(document)


def test_the_text_of_a_document_is_fit_for_an_e_mail() -> None:
    assert text_of(document_of(price(MINIMUM, "100"))) == (
        "Invoice X-2026-000001\n"
        "Acme, customer acme\n"
        "Contract acme-2026, 1 January 2026 – 31 January 2026\n"
        "Issued 4 February 2026, due 6 March 2026\n"
        "\n"
        "Api: 100, $100.00\n"
        "  100 at $1.00 = $100.00\n"
        "Top-up to the minimum spend: 1, $60.00\n"
        "  top-up to the minimum of $160.00 = $60.00\n"
        "\n"
        "Subtotal: $160.00\n"
        "Total before tax: $160.00\n"
    )


def test_a_name_is_escaped_on_the_page_and_written_as_it_is_in_text() -> None:
    document = replace(document_of(price(MINIMUM, "100")), customer_name="Smith & <Sons>")
    assert "Smith &amp; &lt;Sons&gt;" in page_of(document) and "Smith & <Sons>," in text_of(document)


def test_where_steps_were_not_kept_page_and_text_say_so_and_make_none_up() -> None:
    document = document_of(price(versions(UNIT), "5"), kept=False)
    assert "at $333.335" not in page_of(document)
    assert all(NOT_KEPT in shown(document) for shown in (page_of, text_of))
    (line,) = DocumentAnswer.of(document).lines
    assert line.steps_kept is False and line.steps is None


def test_the_page_prints_the_details_and_an_issuer_only_where_the_terms_name_one() -> None:
    document = document_of(price(versions(VOLUME), "4926"))
    page = page_of(document)
    assert 'class="detail">4,926 at $1.50, the last tier = $7,389.00<' in page and "Issued by" not in page
    assert re.search(
        r"Issued by</h2>\s+<p class=\"issuer\">Northgate<",
        page_of(replace(document, legal_entity="Northgate")),
    )
