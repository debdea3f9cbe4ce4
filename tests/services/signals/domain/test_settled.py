"""What a document settles is the revenue that billing posts for it, but for what comes once."""

from collections import Counter
from datetime import UTC, date, datetime
from decimal import Decimal

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from services.billing.documents.domain.document import Line
from services.billing.documents.domain.kinds import KINDS
from services.billing.finalization.domain.drafts import Draft, Numbered
from services.billing.finalization.domain.posting import entry_of
from services.billing.finalization.usecases.finalize import message_of
from services.signals.domain.settled import BEFOREHAND, settled_by, settles
from shared.topics.rating import LineDraw
from tests.services.signals.settling import document, line

JANUARY = date(2024, 1, 1)
LINES = ("usage", "recurring", "seats", "minimum", "uplift", "cap", "shortfall", "one_off")
BLOCKS = ("prepaid", "promotional", "commitment", "roll_over", "shortfall")


def test_what_is_asked_for_beforehand_is_what_billing_says_is_of_no_period() -> None:
    assert {name for name, kind in KINDS.items() if not kind.counts_towards_k5} == BEFOREHAND
    told = {name: settles(document("inv_1", JANUARY, line(5), kind=name)) for name in KINDS}
    assert told == {name: name not in BEFOREHAND for name in KINDS}
    assert not settles(document("inv_1", JANUARY, line(5), status="draft"))


def test_fees_and_usage_apart_from_what_is_short_and_nothing_that_comes_once() -> None:
    said = document(
        "inv_1",
        JANUARY,
        line(10_000, draws={"prepaid": 4_000, "promotional": 1_000}),
        line(3_000, "recurring", draws={"commitment": 3_000}),
        line(700, "shortfall"),
        line(50_000, "one_off", draws={"promotional": 500}),
    )
    by_key = {one.key: (one.settled_minor, one.shortfall_minor) for one in settled_by(said)}
    assert by_key == {"usage": (9_000, 0), "recurring": (3_000, 0), "shortfall": (0, 700), "one_off": (0, 0)}


def test_what_of_a_block_nobody_paid_for_was_never_revenue() -> None:
    """1,000 of a block that costs 0.8 a unit pay a line of 5,000."""
    used = line(5_000)
    used = msgspec.structs.replace(used, draws=(LineDraw("blk_cheap", "prepaid", 1_000, 800),))
    [found] = settled_by(document("inv_1", JANUARY, used))
    assert (found.settled_minor, found.shortfall_minor) == (4_800, 0)


def test_late_use_that_a_shortfall_pays_is_use_and_no_more_revenue() -> None:
    late = document("inv_2", JANUARY, line(400, draws={"shortfall": 400}), kind="debit_note")
    [found] = settled_by(late)
    assert (found.settled_minor, found.shortfall_minor) == (400, -400)


def test_a_line_is_of_the_contract_and_period_that_it_names_or_of_its_documents() -> None:
    february = {"period_start_date": "2024-02-01", "period_end_date": "2024-02-29"}
    said = document("inv_1", JANUARY, line(5), line(7, contract="acme-eu", **february))
    assert [(one.contract, one.start_date, one.end_date, one.settled_minor) for one in settled_by(said)] == [
        ("acme-2024", JANUARY, date(2024, 1, 31), 5),
        ("acme-eu", date(2024, 2, 1), date(2024, 2, 29), 7),
    ]


@st.composite
def lines(draw: st.DrawFn) -> Line:
    number = draw(st.integers(0, 10**6))
    month = draw(st.integers(1, 2))
    drawn = draw(st.dictionaries(st.sampled_from(BLOCKS), st.integers(-500, 500), max_size=3))
    costs = {"prepaid": draw(st.none() | st.integers(-500, 500))}
    return Line(
        contract=draw(st.sampled_from(["acme-2024", "acme-eu"])),
        period_start=datetime(2024, month, 1, tzinfo=UTC),
        start_date=date(2024, month, 1),
        end_date=date(2024, month, 28),
        statement_id=f"statement-{month}",
        line_id=f"line-{number}",
        key=draw(st.sampled_from("abc")),
        clause_id="c",
        clause_hash="",
        version=1,
        kind=draw(st.sampled_from(LINES)),
        quantity=Decimal(1),
        amount_minor=draw(st.integers(-5_000, 5_000)),
        draws=tuple(LineDraw(f"blk_{kind}", kind, amount, costs.get(kind)) for kind, amount in drawn.items()),
    )


@given(
    st.lists(lines(), unique_by=lambda one: one.line_id, max_size=8),
    st.sampled_from(["invoice", "credit_note"]),
)
def test_it_is_what_the_journal_posts_as_revenue(of_document: list[Line], kind: str) -> None:
    """The oracle is billing's own posting function: what it credits accounts of revenue with, by each line, less what it
    debits them with."""
    billed = _billed(tuple(of_document), kind)
    once = {one.line_id for one in of_document if one.kind == "one_off"}
    revenue: Counter[tuple[str, date]] = Counter()
    by_id = {one.line_id: one for one in of_document}
    for posting in entry_of(billed).postings:
        if posting.account.startswith("revenue.") and posting.line_id and posting.line_id not in once:
            posted = by_id[posting.line_id]
            revenue[posted.contract, posted.start_date] -= posting.amount_minor
    settled: Counter[tuple[str, date]] = Counter()
    for row in settled_by(message_of(billed, billed.draft)):
        settled[row.contract, row.start_date] += row.settled_minor + row.shortfall_minor
    assert {place: minor for place, minor in settled.items() if minor} == {
        place: minor for place, minor in revenue.items() if minor
    }


def _billed(of_document: tuple[Line, ...], kind: str) -> Numbered:
    subtotal = sum(one.amount_minor for one in of_document)
    draft = Draft(
        document_id="inv_1",
        kind=KINDS[kind],
        contract="acme-2024",
        customer_id="cus_acme",
        customer="acme",
        customer_name="Acme",
        legal_entity="us",
        currency="USD",
        period_start=datetime(2024, 1, 1, tzinfo=UTC),
        start_date=JANUARY,
        end_date=date(2024, 1, 31),
        occasion="period",
        net_days=30,
        skip_zero=False,
        subtotal_minor=subtotal,
        total_minor=subtotal - sum(one.drawn_minor for one in of_document),
        corrects=None,
        block=None,
        contract_periods=(),
        lines=of_document,
        previous_minor=None,
        revisions={},
        approval=None,
        held_until=None,
    )
    return Numbered(draft, "US-2024", "US-2024-000001", date(2024, 2, 4), date(2024, 3, 5))
