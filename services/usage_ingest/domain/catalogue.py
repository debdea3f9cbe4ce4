"""The meters and customers the door knows of: what an event's value must be, and whether anybody waits for
it."""

from collections.abc import Iterable
from dataclasses import dataclass, field

import msgspec

from services.usage_ingest.domain.faults import EventFault
from services.usage_ingest.domain.numbers import text_of
from services.usage_ingest.domain.payload import Data, dig
from shared.topics.rating import CustomerMessage, MeterMessage
from shared.values.decimals import (
    QUANTITY_FRACTION_DIGITS_MAX,
    QUANTITY_INTEGER_DIGITS_MAX,
    QuantityOutOfBounds,
    QuantityUnreadable,
    parse_quantity,
)
from shared.values.names import normalised, shown


@dataclass(frozen=True, slots=True)
class ValueRule:
    """What one meter demands of the events it takes."""

    meter: str
    field: str
    path: tuple[str, ...]
    quantity: bool  # a number; otherwise any text, number or boolean
    required: bool
    filters: tuple[tuple[tuple[str, ...], frozenset[str]], ...]

    def check(self, data: Data) -> None:
        """Raise EventFault when this meter takes the event and cannot read its value."""
        if self.filters and not all(
            _filter_text(dig(data, path)) in accepted for path, accepted in self.filters
        ):
            return
        value = dig(data, self.path)
        if value is None or value == "":
            if self.required:
                raise EventFault(
                    "value_missing",
                    f"`data.{self.field}` is missing and the meter {self.meter} counts it; send the value",
                )
        elif self.quantity:
            _check_quantity(value, self)
        elif type(value) in (dict, list):
            raise EventFault(
                "value_not_scalar",
                f"`data.{self.field}` is an object or a list; the meter {self.meter} counts plain values",
            )


@dataclass
class Catalogue:
    """What was heard on catalogue.meters and customers.customers so far, indexed for one look-up an event."""

    # event type → rules; a type without meter is no key
    rules: dict[str, tuple[ValueRule, ...]] = field(default_factory=dict)
    subjects: dict[str, str] = field(default_factory=dict)  # external id or alias → customer id
    _meters: dict[str, MeterMessage] = field(default_factory=dict)
    _customers: dict[str, CustomerMessage] = field(default_factory=dict)

    def knows(self, event_type: str, subject: str) -> bool:
        """Whether a meter takes this type and a customer goes by this subject; otherwise the event is stored
        as `unmatched`."""
        return subject in self.subjects and event_type in self.rules

    def hear_meters(self, meters: Iterable[MeterMessage]) -> None:
        """Replace each meter that is newer than the one known."""
        for meter in meters:
            known = self._meters.get(meter.meter)
            if known is None or known.revision < meter.revision:
                self._meters[meter.meter] = meter
        rules: dict[str, tuple[ValueRule, ...]] = {}
        for meter in self._meters.values():
            rules[meter.event_type] = (*rules.get(meter.event_type, ()), *_rules_of(meter))
        self.rules = rules

    def hear_customers(self, customers: Iterable[CustomerMessage]) -> None:
        """Replace each customer that is newer than the one known; an alias taken away no longer matches."""
        for customer in customers:
            known = self._customers.get(customer.customer_id)
            if known is not None and known.revision >= customer.revision:
                continue
            for name in _names(known) if known else ():
                if self.subjects.get(name) == customer.customer_id:
                    del self.subjects[name]
            for name in _names(customer):
                self.subjects[name] = customer.customer_id
            self._customers[customer.customer_id] = customer


def _rules_of(meter: MeterMessage) -> tuple[ValueRule, ...]:
    """The meter's rule; none for a count, which reads no value."""
    if meter.field is None:
        return ()
    filters = tuple((tuple(name.split(".")), frozenset(accepted)) for name, accepted in meter.filters.items())
    return (
        ValueRule(
            meter.meter,
            meter.field,
            tuple(meter.field.split(".")),
            meter.takes_numbers,
            meter.missing == "quarantine",
            filters,
        ),
    )


def _names(customer: CustomerMessage) -> list[str]:
    return [normalised(name) for name in (customer.external_id, *customer.aliases)]


def _filter_text(value: object) -> str | None:
    """A data value as the text a filter compares it with; None for what no filter can name."""
    if type(value) is str:
        return value
    if type(value) is bool:
        return "true" if value else "false"
    return text_of(value) if isinstance(value, (int, msgspec.Raw)) else None


def _check_quantity(value: object, rule: ValueRule) -> None:
    if type(value) is str:
        _check_text(value, rule)
    elif type(value) is int or isinstance(value, msgspec.Raw):
        whole, _, fraction = text_of(value).lstrip("-").partition(".")
        if len(whole) > QUANTITY_INTEGER_DIGITS_MAX or len(fraction) > QUANTITY_FRACTION_DIGITS_MAX:
            bounds = (
                f"{QUANTITY_INTEGER_DIGITS_MAX} integer digits or {QUANTITY_FRACTION_DIGITS_MAX} decimals"
            )
            raise EventFault(
                "number_out_of_range",
                f"`data.{rule.field}` has more than {bounds}; the meter {rule.meter} adds it up: round it",
            )
    else:
        raise EventFault(
            "value_not_a_number",
            f"`data.{rule.field}` is not a number; the meter {rule.meter} needs one, such as 12.5",
        )


def _check_text(text: str, rule: ValueRule) -> None:
    """A decimal may travel as text."""
    try:
        parse_quantity(text)
    except QuantityOutOfBounds as error:
        raise EventFault("number_out_of_range", f"`data.{rule.field}`: {error.detail}") from None
    except QuantityUnreadable:
        what = (
            f"`data.{rule.field}` is {shown(text)}; the meter {rule.meter} needs a plain number, such as 12.5"
        )
        raise EventFault("value_not_a_number", what) from None
