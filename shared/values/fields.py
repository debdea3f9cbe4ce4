"""The law of names as types of bodies, paths and queries. `Given…` is for what is entered, `Asked…` for what
is looked up (see names)."""

from collections.abc import Iterable
from typing import Annotated, Any

from pydantic import AfterValidator, Field, GetCoreSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from shared.values import names
from shared.values.names import Law, NameFault, Rule

#: An amount of money as answers write it, with as many decimals as a currency has at most.
AMOUNT = r"^-?[0-9]{1,19}(\.[0-9]{1,4})?$"
#: How many currencies one body may name: there are fewer.
CURRENCIES_MAX = 200


def _law(read: Law, rule: Rule) -> AfterValidator:
    """Reads a name by its rule, in NFC; a fault is told under its code."""

    def checked(value: str) -> str:
        try:
            return read(rule, value)
        except NameFault as fault:
            raise PydanticCustomError(fault.code, "{detail}", {"detail": fault.detail}) from None

    return AfterValidator(checked)


def schema_of(rule: Rule) -> dict[str, Any]:
    """The rule as JSON Schema can say it: characters of the NFC form."""
    return {"type": "string", "minLength": 1, "maxLength": rule.characters_max}


class OneOf:
    """One of these names, as a `Literal` of them takes it: for names that a registry gives."""

    def __init__(self, names: Iterable[str]) -> None:
        self.names = list(names)

    def __get_pydantic_core_schema__(self, _source: type[str], _handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.literal_schema(self.names)


def _no_dots(value: str) -> str:
    if value in (".", ".."):
        raise PydanticCustomError(
            "name_reserved",
            "No customer is called . or ..: an address with it never arrives; use another name.",
        )
    return value


def _no_type(value: str) -> str:
    if value.startswith(names.UNMETERED):
        raise PydanticCustomError(
            "name_reserved",
            "A meter's name does not begin with type:, which usage without a meter is counted under.",
        )
    return value


GivenSubject = Annotated[
    str, _law(names.given, names.SUBJECT), AfterValidator(_no_dots), WithJsonSchema(schema_of(names.SUBJECT))
]
GivenEventType = Annotated[
    str, _law(names.given, names.EVENT_TYPE), WithJsonSchema(schema_of(names.EVENT_TYPE))
]
DataText = Annotated[
    str, Field(min_length=1, max_length=names.DATA_TEXT.characters_max, pattern=names.STORABLE)
]
FilterValue = Annotated[
    str,
    Field(pattern=names.STORABLE),
    _law(names.verbatim, names.FILTER_VALUE),
    WithJsonSchema(schema_of(names.FILTER_VALUE)),
]

AskedSubject = Annotated[str, _law(names.asked, names.SUBJECT), WithJsonSchema(schema_of(names.SUBJECT))]
AskedSource = Annotated[str, _law(names.asked, names.SOURCE), WithJsonSchema(schema_of(names.SOURCE))]
AskedEventId = Annotated[str, _law(names.asked, names.EVENT_ID), WithJsonSchema(schema_of(names.EVENT_ID))]
AskedEventType = Annotated[
    str, _law(names.asked, names.EVENT_TYPE), WithJsonSchema(schema_of(names.EVENT_TYPE))
]
AskedMeter = Annotated[
    str, _law(names.asked, names.METER_OR_TYPE), WithJsonSchema(schema_of(names.METER_OR_TYPE))
]
AskedReference = Annotated[
    str, _law(names.asked, names.REFERENCE), WithJsonSchema(schema_of(names.REFERENCE))
]
Word = Annotated[str, _law(names.asked, names.WORD), WithJsonSchema(schema_of(names.WORD))]

Key = Annotated[str, Field(pattern=f"^{names.KEY}$")]
"""The name of a contract, a line, a meter: letters, digits and . _ : -"""
GivenMeter = Annotated[Key, AfterValidator(_no_type)]
DataPath = Annotated[str, Field(pattern=f"^{names.PATH}$", description="Dotted path into the event's data")]
Dimension = Annotated[str, Field(pattern=f"^(?:{names.PATH}|{names.KEY})$")]
"""A dimension as a matrix names it; a path of its meter, and whatever else terms of before could name."""
Label = Annotated[str, Field(min_length=1, max_length=names.LABEL_CHARACTERS_MAX, pattern=names.LABEL)]
"""Text for people: one line without control characters."""
GivenId = Annotated[str, Field(pattern=f"^{names.GIVEN_ID}$")]
"""An id that the product gave."""


def _kept(value: str) -> str:
    return names.kept(value)


AskedKept = Annotated[str, AfterValidator(_kept), WithJsonSchema({"type": "string"})]
"""A name as the quarantine keeps it beside an event's bytes, however long it came."""
