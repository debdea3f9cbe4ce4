"""Terms: the sections that people write, and what has to hold between them."""

from datetime import date, datetime
from functools import cached_property
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from shared.pricing.blocks.order import STANDARD, DrawOrder
from shared.pricing.clause import Clause
from shared.pricing.discount import Discount, Span
from shared.pricing.escalator import Escalation, Escalator
from shared.pricing.faults import Fault, refuse
from shared.pricing.fields import CurrencyCode, Effective, Zone
from shared.pricing.language.activation import Activation
from shared.pricing.language.balances import balance_faults
from shared.pricing.language.billing import Billing
from shared.pricing.language.cap import SpendCap
from shared.pricing.language.commitments import Commitment
from shared.pricing.language.credits import Credit
from shared.pricing.language.discounts import DISCOUNTS_MAX, faults_of_discounts
from shared.pricing.language.escalators import ESCALATORS_MAX, faults_of_escalators
from shared.pricing.language.late_usage import LateUsage
from shared.pricing.language.phases import Phase, minimum_above_cap, overlapping_phases
from shared.pricing.language.renewal import Renewal
from shared.pricing.language.term import Term
from shared.pricing.lines import Line, LineClause, RecurringLine, UsageLine, one_of_each
from shared.values.fields import AskedSubject, Key
from shared.values.ids import clause_id
from shared.values.money import Currency, currency, to_decimal
from shared.values.period import BillingCalendar, local_midnight

LEGAL_ENTITY_UNNAMED: Final = "default"
"""What numbers its documents where the terms name no legal entity."""


class Terms(Clause):
    """A contract's terms as validated, its plan's lines merged."""

    contract: Key
    customer: AskedSubject
    legal_entity: Key = LEGAL_ENTITY_UNNAMED
    currency: CurrencyCode
    timezone: Zone
    effective: Effective | None = None
    term: Term
    renewal: Renewal = Renewal()
    billing: Billing = Billing()
    late_usage: LateUsage = LateUsage()
    excess: Annotated[
        Literal["negative_line", "credit_note"],
        Field(
            description="What falls below what was billed stands beside what rises, or on a note of its own"
        ),
    ] = "negative_line"
    plan: Key | None = None
    lines: Annotated[tuple[Line, ...], Field(max_length=1000), AfterValidator(one_of_each)] = ()
    phases: Annotated[tuple[Phase, ...], Field(max_length=200)] = ()
    cap: SpendCap | None = None
    commitments: Annotated[tuple[Commitment, ...], Field(max_length=100)] = ()
    credits: Annotated[tuple[Credit, ...], Field(max_length=100)] = ()
    draw_order: Annotated[tuple[DrawOrder, ...], Field(min_length=1, max_length=6)] = STANDARD
    discounts: Annotated[tuple[Discount, ...], Field(max_length=DISCOUNTS_MAX)] = ()
    escalators: Annotated[tuple[Escalator, ...], Field(max_length=ESCALATORS_MAX)] = ()
    shares_meters: Annotated[
        tuple[Key, ...],
        Field(
            max_length=1000,
            description="Meters of its usage lines that other contracts of the "
            "customer price as well, on purpose: each charges the same usage",
        ),
    ] = ()
    skip_zero_invoices: Annotated[bool, Field(strict=True)] = False
    activation: Activation | None = None

    @model_validator(mode="after")
    def _holds_together(self) -> Self:
        refuse(
            [
                *_missing_charge(self),
                *overlapping_phases(self.phases),
                *minimum_above_cap(self.phases, self.cap),
                *_early_effect(self),
                *_never_due(self),
                *_shared_unpriced(self),
                *_finer_than_money(self),
                *balance_faults(self),
                *faults_of_discounts(self.discount_spans, self.lines),
                *faults_of_escalators(self.escalators, self.lines, self.term),
            ]
        )
        return self

    @cached_property
    def effective_at(self) -> datetime:
        """When this version takes force, in UTC; a date means its local midnight, nothing means the term's
        start."""
        effective = self.effective if self.effective is not None else self.term.start
        return effective if isinstance(effective, datetime) else local_midnight(effective, self.timezone)

    @cached_property
    def money(self) -> Currency:
        return currency(self.currency)

    @cached_property
    def calendar(self) -> BillingCalendar:
        """The service periods; they end with the term unless it renews by itself."""
        end = None if self.renewal.auto else self.term.end
        return BillingCalendar(self.term.start, self.billing.anchor_day, self.timezone, end_date=end)

    @cached_property
    def own_months(self) -> frozenset[int]:
        """How long the periods are that lines have of their own."""
        return frozenset([line.own_months for line in self.lines if line.own_months is not None])

    def calendar_of(self, own_months: int) -> BillingCalendar:
        """The periods of a line that has its own: they begin with the term, and end as the service periods do."""
        start = self.term.start
        return BillingCalendar(start, start.day, self.timezone, own_months, self.calendar.end_date)

    @cached_property
    def discount_spans(self) -> tuple[Span, ...]:
        return tuple([discount.span(self.timezone) for discount in self.discounts])

    def discounts_at(self, instant: datetime) -> tuple[Discount, ...]:
        """Return the discounts that hold at an instant, as they are written."""
        return tuple([span.discount for span in self.discount_spans if span.holds_at(instant)])

    def escalations_on(self, day: date) -> tuple[Escalation, ...]:
        """Return the escalators that have raised prices by a day, as they are written."""
        return tuple(
            [
                Escalation(one, clause_id(self.contract, "escalators", str(place)), times)
                for place, one in enumerate(self.escalators)
                if (times := one.times_on(day, self.term.start))
            ]
        )

    @cached_property
    def by_key(self) -> dict[str, Line]:
        return {line.key: line for line in self.lines}

    @cached_property
    def keys_of(self) -> dict[type[LineClause], list[str]]:
        """The keys of each kind of line, as they are written."""
        found: dict[type[LineClause], list[str]] = {}
        for line in self.lines:
            found.setdefault(type(line), []).append(line.key)
        return found

    @cached_property
    def places(self) -> dict[str, int]:
        """The key of each line, and its place among them as they are written."""
        return {line.key: place for place, line in enumerate(self.lines)}

    @cached_property
    def line_clauses(self) -> dict[str, str]:
        """The key of each line, and the id of its clause."""
        return {line.key: clause_id(self.contract, "lines", line.key) for line in self.lines}

    @property
    def usage_lines(self) -> tuple[UsageLine, ...]:
        return tuple(line for line in self.lines if isinstance(line, UsageLine))

    @property
    def recurring_lines(self) -> tuple[RecurringLine, ...]:
        return tuple(line for line in self.lines if isinstance(line, RecurringLine))


def _missing_charge(terms: Terms) -> list[Fault]:
    return (
        []
        if terms.lines or terms.phases
        else [Fault(("lines",), "missing", "Terms hold at least one line or one phase.")]
    )


def _early_effect(terms: Terms) -> list[Fault]:
    if terms.effective is None or terms.effective_at >= local_midnight(terms.term.start, terms.timezone):
        return []
    return [
        Fault(
            ("effective",),
            "effective_before_term",
            f"A version takes force at or after the term's start, {terms.term.start}.",
        )
    ]


def _never_due(terms: Terms) -> list[Fault]:
    end = None if terms.renewal.auto else terms.term.end
    return [
        Fault(
            ("lines", index, "date"),
            "outside_term",
            f"It lies in the term, from {terms.term.start}{'' if end is None else f' to before {end}'}; no period has another day.",
        )
        for index, line in enumerate(terms.lines)
        if line.due_on is not None
        and (line.due_on < terms.term.start or (end is not None and line.due_on >= end))
    ]


def _shared_unpriced(terms: Terms) -> list[Fault]:
    priced = {line.meter for line in terms.usage_lines}
    return [
        Fault(
            ("shares_meters", index),
            "meter_not_priced_here",
            f"No usage line prices {meter}; name the meter of a line, or remove it.",
        )
        for index, meter in enumerate(terms.shares_meters)
        if meter not in priced
    ]


def _finer_than_money(terms: Terms) -> list[Fault]:
    """What a line is rounded to is money."""
    least = to_decimal(1, terms.money)
    return [
        Fault(
            ("lines", index, "rounding", "step" if line.rounding.scale is None else "scale"),
            "not_whole_minor_units",
            f"A line is rounded once, to what {terms.currency} can be paid in: a multiple of {least}; write that or more.",
        )
        for index, line in enumerate(terms.lines)
        if line.rounding is not None and line.rounding.unit % least
    ]
