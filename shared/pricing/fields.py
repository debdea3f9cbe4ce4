"""The fields clauses are made of: decimals as strings, dates, names. A float is refused, an int is taken."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Annotated, Final
from zoneinfo import available_timezones

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from shared.errors import AppError
from shared.values.decimals import (
    PRICE_PATTERN,
    QUANTITY_INTEGER_DIGITS_MAX,
    QUANTITY_PATTERN,
    parse_price,
    parse_quantity,
)
from shared.values.instants import read_day, read_instant, written
from shared.values.money import currency

_TOO_LARGE: Final = 10**QUANTITY_INTEGER_DIGITS_MAX
DAY_CHARACTERS: Final = len("2013-07-15")
_FIRST_YEAR, _LAST_YEAR = 1970, 2200  # where the business clock moves


def _text_of(value: object) -> str:
    if isinstance(value, (int, float)) and abs(value) >= _TOO_LARGE:
        raise PydanticCustomError(
            "not_a_decimal",
            "It has more than {digits} integer digits; write fewer, or count in a larger unit.",
            {"digits": QUANTITY_INTEGER_DIGITS_MAX},
        )
    if isinstance(value, float):
        raise PydanticCustomError(
            "float_refused", "A float cannot hold money exactly; write the number as a string in quotes."
        )
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value
    raise PydanticCustomError(
        "not_a_decimal", 'A decimal is written as a string in quotes, such as "0.0008".'
    )


def _read_change(value: object) -> Decimal:
    try:
        return parse_price(_text_of(value))
    except AppError as fault:
        raise PydanticCustomError("not_a_decimal", "{detail}", {"detail": fault.detail}) from None


def _read_price(value: object) -> Decimal:
    price = _read_change(value)
    if price < 0:
        raise PydanticCustomError("negative", "A price or amount is not negative.")
    return price


def _read_quantity(value: object) -> Decimal:
    try:
        quantity = parse_quantity(_text_of(value))
    except AppError as fault:
        raise PydanticCustomError("not_a_decimal", "{detail}", {"detail": fault.detail}) from None
    if quantity < 0:
        raise PydanticCustomError("negative", "A quantity in terms is not negative.")
    return quantity


def _at_most_all(value: Decimal) -> Decimal:
    if value > 100:
        raise PydanticCustomError("over_100", "A percentage of what is there is at most 100.")
    return value


def _positive(value: Decimal) -> Decimal:
    if value <= 0:
        raise PydanticCustomError("not_positive", "It is greater than zero.")
    return value


def _at_most_one(value: Decimal) -> Decimal:
    if value > 1:
        raise PydanticCustomError("too_large", "A weight is at most 1.")
    return value


def _written(value: Decimal) -> str:
    return format(value, "f")


def _decimal_schema(pattern: str) -> WithJsonSchema:
    return WithJsonSchema({"anyOf": [{"type": "string", "pattern": f"^{pattern}$"}, {"type": "integer"}]})


UnitPrice = Annotated[
    Decimal,
    PlainValidator(_read_price),
    PlainSerializer(_written, when_used="json"),
    _decimal_schema(PRICE_PATTERN),
]
"""The price of a unit or a package, not yet rounded: up to 20 decimals."""
Amount = UnitPrice
"""An amount of money as terms state it, read as a price is."""
PositiveAmount = Annotated[Amount, AfterValidator(_positive)]
Percent = Annotated[UnitPrice, AfterValidator(_at_most_all)]
"""A part of something, in percent: 0 to 100, up to 20 decimals."""
PercentChange = Annotated[
    Decimal,
    PlainValidator(_read_change),
    PlainSerializer(_written, when_used="json"),
    _decimal_schema(PRICE_PATTERN),
]
"""More or, below zero, less, in percent: up to 20 decimals."""
Quantity = Annotated[
    Decimal,
    PlainValidator(_read_quantity),
    PlainSerializer(_written, when_used="json"),
    _decimal_schema(QUANTITY_PATTERN),
]
"""A number of units: up to 12 decimals."""
PositiveQuantity = Annotated[Quantity, AfterValidator(_positive)]
Weight = Annotated[Quantity, AfterValidator(_positive), AfterValidator(_at_most_one)]


def _read_date(value: object) -> date:
    """A YAML date or an ISO string; a time of day is refused rather than cut off."""
    if isinstance(value, date) and not isinstance(value, datetime):
        return value
    if isinstance(value, str):
        try:
            return read_day(value)
        except ValueError:
            pass
    raise PydanticCustomError("not_a_date", "A date is written as YYYY-MM-DD.")


def _within_the_clock(value: date) -> date:
    """Outside these years local midnight may not exist in UTC, and a contract would open periods by the ten
    thousand."""
    if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
        raise PydanticCustomError("date_out_of_range", "It lies between 1970 and 2200.")
    return value


def _read_effective(value: object) -> date | datetime:
    """A date (local midnight of the contract's zone) or an RFC 3339 instant with its offset, returned in
    UTC."""
    moment = value
    if isinstance(value, str) and len(value) > DAY_CHARACTERS:
        try:
            moment = read_instant(value)
        except ValueError:
            raise _not_an_instant() from None
    if not isinstance(moment, datetime):
        return _within_the_clock(_read_date(value))
    if moment.tzinfo is None:
        raise _not_an_instant()
    _within_the_clock(moment)
    return moment.astimezone(UTC)


def _read_moment(value: object) -> datetime:
    moment = _read_effective(value)
    if not isinstance(moment, datetime):
        raise _not_an_instant()
    return moment


def _not_an_instant() -> PydanticCustomError:
    return PydanticCustomError(
        "not_an_instant", "An instant is RFC 3339 with its offset, such as 2013-07-15T00:00:00-04:00 or …Z."
    )


def _written_effective(value: date | datetime) -> str:
    return written(value) if isinstance(value, datetime) else value.isoformat()


Day = Annotated[
    date,
    PlainValidator(_read_date),
    PlainSerializer(date.isoformat, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date"}),
]
StartDay = Annotated[Day, AfterValidator(_within_the_clock)]
Effective = Annotated[
    date | datetime,
    PlainValidator(_read_effective),
    PlainSerializer(_written_effective, when_used="json"),
    WithJsonSchema(
        {"anyOf": [{"type": "string", "format": "date"}, {"type": "string", "format": "date-time"}]}
    ),
]
Instant = Annotated[
    datetime,
    PlainValidator(_read_moment),
    PlainSerializer(written, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time"}),
]


def _known_zone(value: str) -> str:
    if value not in _zones():
        raise PydanticCustomError("unknown_timezone", "It is not an IANA time zone such as America/New_York.")
    return value


def _zones() -> frozenset[str]:
    global _known_zones
    _known_zones = _known_zones or frozenset(available_timezones())
    return _known_zones


_known_zones: frozenset[str] = frozenset()


def _known_currency(value: str) -> str:
    try:
        return currency(value).code
    except AppError as fault:
        raise PydanticCustomError("unknown_currency", "{detail}", {"detail": fault.detail}) from None


Zone = Annotated[str, AfterValidator(_known_zone)]
CurrencyCode = Annotated[
    str, AfterValidator(_known_currency), WithJsonSchema({"type": "string", "pattern": "^[A-Z]{3}$"})
]
Count = Annotated[int, Field(strict=True, ge=1, le=100_000)]
