"""Whole contracts, drawn: every model, kind of line, section and clause that pricing reads, together.

What there is comes from the types: models from their union, sections and clauses from the fields of the language. A new
one fails `test_contract_laws.py` until it is drawn here, or said to change no figure.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, get_args

from hypothesis import strategies as st

from services.rating.catalogue.domain.meter import Meter
from services.rating.metering.domain.aggregations.sum import SUM
from services.rating.metering.domain.paper import PaperEvent, PaperUsage
from shared.documents.written_number import as_written
from shared.pricing import EMPTY, PricedPeriod, Terms, VersionInForce
from shared.pricing.lines.proration import Proration
from shared.pricing.succession import price_periods
from shared.values.instants import to_us
from tests.shared.pricing.contracts import chain, terms
from tests.shared.pricing.prices import PRICES

START: Final = datetime(2026, 1, 1, tzinfo=UTC)
UNTIL: Final = datetime(2026, 4, 1, tzinfo=UTC)
HOURS: Final = 90 * 24
#: Fields of terms and of lines that change no figure.
NAMES: Final = {
    "contract",
    "customer",
    "legal_entity",
    "plan",
    "shares_meters",
    "skip_zero_invoices",
    "activation",
    "late_usage",
    "renewal",
    "key",
    "kind",
    "meter",
    "description",
    "approval",
    "in_exchange_for",
}
#: Drawn otherwise: the zone and the term set the periods, the currency the minor unit, `effective` a version's start; `excess` is of notes.
FRAME: Final = {"currency", "timezone", "term", "effective", "billing", "excess"}

amounts = st.integers(1, 50_000).map(lambda cents: f"{Decimal(cents) / 100}")
small = st.integers(0, 300).map(str)
percents = st.integers(1, 99).map(str)


def some(**clauses: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Return documents with some of these clauses."""
    return st.fixed_dictionaries({}, optional=clauses)


def _bounds(written: dict[str, Any]) -> dict[str, Any]:
    """A line's minimum is at most its maximum."""
    if {"minimum", "maximum"} <= written.keys() and Decimal(written["minimum"]) > Decimal(written["maximum"]):
        return {**written, "minimum": written["maximum"], "maximum": written["minimum"]}
    return written


rolled = st.one_of(
    st.booleans(), st.fixed_dictionaries({"min": st.just("1"), "max": st.integers(1, 50).map(str)})
)
included = st.one_of(
    small, st.fixed_dictionaries({"units": small}, optional={"per": st.just("period"), "roll_over": rolled})
)
bounds = some(minimum=amounts, maximum=amounts).map(_bounds)
#: A price that has none for some of the usage.
unmatched = st.fixed_dictionaries(
    {
        "model": st.just("matrix"),
        "dimensions": st.just(["region"]),
        "rates": st.just([{"region": "JFK", "unit": "0.5"}]),
        "unmatched": st.just("leave"),
    }
)
rounding = st.one_of(
    st.fixed_dictionaries({"step": st.sampled_from(["0.05", "5"])}, optional={"mode": st.just("down")}),
    st.fixed_dictionaries({"scale": st.integers(0, 1)}, optional={"mode": st.just("up")}),
)
convert = st.tuples(
    st.one_of(
        st.fixed_dictionaries({"divide": st.sampled_from(["7", "1000"])}),
        st.fixed_dictionaries({"multiply": st.just("1.2")}),
    ),
    some(round=st.fixed_dictionaries({"scale": st.integers(0, 2), "mode": st.sampled_from(["up", "down"])})),
).map(lambda parts: parts[0] | parts[1])
USAGE: Final[dict[str, st.SearchStrategy[Any]]] = {
    "negative": st.sampled_from(["carry", "zero", "credit"]),
    "price": st.sampled_from([*PRICES.values(), unmatched]).flatmap(lambda prices: prices),
    "included": included,
    "convert": convert,
    "rounding": rounding,
    "round_used_first": st.just(True),
    "on_change": st.sampled_from(["run_through", "restart"]),
    "minimum": amounts,
    "maximum": amounts,
    "measured": st.just("before_discounts"),
}
RECURRING: Final[dict[str, st.SearchStrategy[Any]]] = {
    "amount": amounts,
    "timing": st.just("arrears"),
    "proration": st.sampled_from(get_args(Proration)),
    "rounding": rounding,
    "round_used_first": st.just(True),
    "minimum": amounts,
    "maximum": amounts,
    "measured": st.just("before_discounts"),
    "every": st.just({"months": 2}),
}
ONE_OFF: Final[dict[str, st.SearchStrategy[Any]]] = {
    "amount": amounts,
    "date": st.sampled_from(["2026-01-01", "2026-02-28", "2026-03-20"]),
    "rounding": rounding,
}


def _line(
    kind: str, key: str, clauses: dict[str, st.SearchStrategy[Any]], needed: str
) -> st.SearchStrategy[Any]:
    rest = {name: drawn for name, drawn in clauses.items() if name != needed}
    return st.fixed_dictionaries(
        {"key": st.just(key), "kind": st.just(kind), needed: clauses[needed]}, optional=rest
    ).map(_bounds)


def _usage(key: str) -> st.SearchStrategy[Any]:
    return _line("usage", key, {**USAGE, "meter": st.just(key)}, "price").map(
        lambda line: {**line, "meter": key}
    )


usage_lines = st.tuples(_usage("api"), _usage("jobs"))
fees = st.lists(_line("recurring", "fee", RECURRING, "amount"), max_size=1)
one_offs = st.lists(
    st.fixed_dictionaries({"key": st.just("setup"), "kind": st.just("one_off"), **ONE_OFF}), max_size=1
)
named = st.one_of(st.just(["api"]), st.just(["jobs", "api"]), st.just(["usage"]))
dates = st.sampled_from(["2026-01-10", "2026-02-01", "2026-02-14", "2026-03-20T06:00:00Z"])
dated = some(**{"from": st.just("2026-01-05")}, until=dates, order=st.just("as_written"))
discount = st.tuples(
    st.one_of(
        st.fixed_dictionaries({"percent": percents}, optional={"applies_to": named}),
        st.fixed_dictionaries(
            {"amount": amounts},
            optional={"split": st.sampled_from(["last", "in_order"]), "applies_to": named},
        ),
        st.fixed_dictionaries({"units": small, "applies_to": named}),
    ),
    dated,
).map(lambda parts: parts[0] | parts[1])
commitment = st.one_of(
    st.fixed_dictionaries(
        {"payment": st.just("prepaid")},
        optional={"invoiced": st.sampled_from(["monthly", "none"]), "rollover_percent": percents},
    ),
    st.fixed_dictionaries({}, optional={"shortfall": st.sampled_from(["roll_over", "true_up", "none"])}),
).flatmap(
    lambda said: st.fixed_dictionaries(
        {"amount": amounts, "period": st.sampled_from([{"months": 1}, {"months": 1}, {"months": 2}, "year"])},
        optional={
            "applies_to": st.sampled_from([["api"], ["jobs", "api"]]),
            "overage_percent": st.sampled_from(["110", "150"]),
            "spread": st.just("pro_rata"),
            "anchor": st.just("2026-01-11"),
            "cap_includes_overage": st.just(True),
        },
    ).map(lambda written: written | said)
)
credit = st.fixed_dictionaries(
    {"amount": amounts},
    optional={
        "kind": st.sampled_from(["prepaid", "promotional"]),
        "effective": st.just("2026-01-08"),
        "expires": dates,
        "priority": st.integers(0, 3),
        "class": st.sampled_from(["first", "last"]),
        "applies_to": named,
        "refill": st.fixed_dictionaries({"every": st.sampled_from(["week", "month"])}),
    },
).flatmap(
    lambda written: (
        st.just(written)
        if "refill" not in written
        else some(roll_over=some(max=amounts)).map(lambda more: written | more)
    )
)
escalator = st.fixed_dictionaries(
    {"percent": st.integers(-4, 30).filter(bool).map(str), "every_months": st.just(1)},
    optional={
        "anchor": st.just("2026-01-20"),
        "applies_to": st.one_of(named, st.just(["minimum_spend", "api"])),
        "kind": st.just("simple"),
        "round_price": st.fixed_dictionaries({"scale": st.integers(0, 4)}),
    },
)
minimums = st.fixed_dictionaries({"minimum_spend": st.integers(1, 100).map(str)})
SECTIONS: Final[dict[str, st.SearchStrategy[Any]]] = {
    "lines": st.tuples(usage_lines, fees, one_offs).map(lambda parts: [*parts[0], *parts[1], *parts[2]]),
    "phases": st.lists(minimums, max_size=2).map(
        lambda found: [{"from": f"2026-0{n}-16", **one} for n, one in enumerate(found, start=1)]
    ),
    "cap": st.fixed_dictionaries({"spend_per_period": st.integers(100, 300).map(str)}),
    "commitments": st.lists(commitment, max_size=2).map(lambda found: _keyed(found, "commitment")),
    "credits": st.lists(credit, max_size=2).map(lambda found: _keyed(found, "credit")),
    "draw_order": st.permutations(["priority", "expiry", "created"]),
    "escalators": st.lists(escalator, max_size=2),
    "discounts": st.lists(discount, max_size=3).map(lambda found: _keyed(found, "discount")),
}


def _keyed(found: Sequence[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [{"key": f"{name}{n}", **one} for n, one in enumerate(found)]


@dataclass(frozen=True)
class Used:
    """An event: of a meter, some hours after the start, in one of three groups."""

    meter: str
    hour: int
    quantity: Decimal
    group: str

    def event(self, name: str) -> PaperEvent:
        at = START + timedelta(hours=self.hour)
        data = {"n": str(self.quantity), "model": self.group, "origin": self.group, "region": self.group}
        return PaperEvent(name, self.meter, to_us(at), as_written(data))


used = st.builds(
    Used,
    st.sampled_from(["api", "jobs"]),
    st.integers(0, HOURS - 1),
    st.decimals(0, 3000, places=2),
    st.sampled_from(["JFK", "LGA", "other-one"]),
)


@dataclass(frozen=True)
class Agreement:
    """A contract and its usage. `documents` are its versions."""

    documents: tuple[dict[str, Any], ...]
    used: tuple[Used, ...] = field(default=())

    @property
    def versions(self) -> tuple[VersionInForce, ...]:
        return chain(*[terms(**one) for one in self.documents])

    @property
    def newest(self) -> Terms:
        return self.versions[-1].terms

    def counted(self, events: Sequence[PaperEvent] | None = None, until: datetime = UNTIL) -> PaperUsage:
        """Return its usage before an instant, or that of these events."""
        sent = [one.event(str(n)) for n, one in enumerate(self.used)] if events is None else events
        return PaperUsage(
            [_meter(line.meter, line.price.dimensions) for line in self.newest.usage_lines],
            [event for event in sent if event.time_us < to_us(until)],
        )

    def priced(
        self, events: Sequence[PaperEvent] | None = None, until: datetime = UNTIL
    ) -> list[PricedPeriod]:
        """Price the first three months, one opened with what the one before hands over."""
        known, usage = self.versions, self.counted(events, until)
        periods = price_periods(
            known,
            known[-1].terms.calendar.periods(),
            lambda needs: dict(zip(needs, usage.quantities(needs), strict=True)),
            until,
            EMPTY,
        )
        return [priced for _, priced in periods]


def _meter(name: str, dimensions: tuple[str, ...]) -> Meter:
    return Meter(name, name, SUM, "n", group_by=dimensions)


#: Sections that are always drawn, if with nothing in them.
OFTEN_THERE: Final = ("lines", "commitments", "discounts")
sections = st.fixed_dictionaries(
    {name: SECTIONS[name] for name in OFTEN_THERE},
    optional={name: drawn for name, drawn in SECTIONS.items() if name not in OFTEN_THERE},
)


@st.composite
def agreements(draw: st.DrawFn, *, amended: bool = True) -> Agreement:
    """Draw a contract of one or two versions, with up to a dozen events."""
    frame = {"billing": {"rounding": draw(st.sampled_from(["half_up", "half_even", "down"]))}}
    first = {**draw(sections), **frame}
    documents = [first]
    if amended and draw(st.booleans()):
        effective = draw(st.sampled_from(["2026-01-16", "2026-02-20T12:00:00Z"]))
        again = {**first, **draw(some(lines=SECTIONS["lines"], discounts=SECTIONS["discounts"]))}
        documents.append({**again, "lines": _kept(first["lines"], again["lines"]), "effective": effective})
    return Agreement(tuple(documents), tuple(draw(st.lists(used, max_size=12))))


def _kept(before: Sequence[dict[str, Any]], after: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """An amendment keeps the interval of a fee."""
    every = {line["key"]: line.get("every") for line in before}
    return [
        {
            name: value
            for name, value in (line | {"every": every.get(line["key"], line.get("every"))}).items()
            if value is not None
        }
        for line in after
    ]


def seen(agreement: Agreement, priced: Sequence[PricedPeriod]) -> Counter[str]:
    """Return which models, kinds of lines and operations occurred, by name."""
    found: Counter[str] = Counter()
    for version in agreement.versions:
        found.update({f"model {line.price.model}" for line in version.terms.usage_lines})
    for period in priced:
        found.update({f"line {line.kind}" for line in period.lines})
        found.update({f"step {step.op}" for step in period.steps})
    return found
