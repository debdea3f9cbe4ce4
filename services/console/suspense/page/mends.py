"""The forms that say what suspended usage belongs to: one way for each reason it waits for."""

from collections.abc import Callable, Iterable, Mapping
from typing import Final, Literal

from services.console.domain.addresses import address
from services.console.domain.forms import Tried
from services.console.domain.parts import Field, Form, Option
from services.console.domain.roles import Role
from services.console.domain.visit import Visit
from services.console.suspense.page.suspended import Mend
from services.console.suspense.page.waiting import Reason, Suspended
from shared.values.names import KEY_CHARACTERS_MAX, LABEL_CHARACTERS_MAX

#: Who may say what usage belongs to.
MENDS: Final[tuple[Role, ...]] = ("finance", "engineer")
Kind = Literal["alias", "customer", "meter", "contract"]
BY_REASON: Final[Mapping[Reason, tuple[Kind, ...]]] = {
    "no_customer": ("alias", "customer"),
    "no_meter": ("meter",),
    "no_contract": ("contract",),
}


def mends_of(
    of: Suspended, reasons: Iterable[Reason], visit: Visit, once: Callable[[], str], tried: Tried
) -> tuple[Mend, ...]:
    """The forms for whoever may send them; `once` gives an idempotency key for each. What was tried is there, though nothing
    waits for it any more: it says why."""
    by_reason = [kind for reason in reasons for kind in BY_REASON.get(reason, ())]
    kinds = dict.fromkeys((*by_reason, *(kind for kind in WORDS if kind == tried.act)))
    return tuple(_mend(kind, of, visit, once(), tried) for kind in kinds if visit.role in MENDS)


def _mend(kind: Kind, of: Suspended, visit: Visit, once: str, tried: Tried) -> Mend:
    mine = tried.at(kind)
    title, says, button = WORDS[kind]
    form = Form(
        kind,
        address("suspense", kind, **visit.zones.query),
        button,
        visit.csrf,
        once,
        (*FIELDS[kind](mine), *_where(of)),
        fault=mine.fault,
    )
    return Mend(title, says, form)


def _where(of: Suspended) -> tuple[Field, ...]:
    """Hidden: what the form is about."""
    names = {"subject": of.subject, "of": of.customer, "type": of.type, "month": of.month}
    return tuple(Field(name, "", value, "hidden") for name, value in names.items())


def _alias(tried: Tried) -> tuple[Field, ...]:
    return (
        Field(
            "customer",
            "Customer",
            tried.text("customer"),
            hint="Its id, as contracts name it.",
            is_required=True,
        ),
    )


def _customer(tried: Tried) -> tuple[Field, ...]:
    return (
        Field("name", "Name", tried.text("name"), is_required=True, letters_max=str(LABEL_CHARACTERS_MAX)),
        Field("timezone", "Time zone", tried.text("timezone", "UTC"), hint="As in Europe/Berlin."),
    )


def _meter(tried: Tried) -> tuple[Field, ...]:
    return (
        Field("meter", "Meter", tried.text("meter"), is_required=True, letters_max=str(KEY_CHARACTERS_MAX)),
        Field(
            "aggregation",
            "What it counts",
            tried.text("aggregation", "count"),
            "choice",
            tuple(Option(*one) for one in AGGREGATIONS),
        ),
        Field("field", "Data field", tried.text("field"), hint="Of everything but the number of events."),
    )


def _contract(tried: Tried) -> tuple[Field, ...]:
    return (
        Field(
            "terms",
            "Terms",
            tried.text("terms"),
            "area",
            hint="A contract as YAML or JSON; u2c contract new SHAPE writes one to begin with.",
            is_required=True,
        ),
    )


AGGREGATIONS: Final = (
    ("count", "the events"),
    ("sum", "the sum of a field"),
    ("unique", "distinct values of a field"),
)
FIELDS: Final[Mapping[Kind, Callable[[Tried], tuple[Field, ...]]]] = {
    "alias": _alias,
    "customer": _customer,
    "meter": _meter,
    "contract": _contract,
}
#: Title, what comes of it, button.
WORDS: Final[Mapping[Kind, tuple[str, str, str]]] = {
    "alias": (
        "It is a customer by another name",
        "All usage of the subject is that customer's from now on: open periods are priced with it, closed ones corrected.",
        "Make it an alias",
    ),
    "customer": ("It is a new customer", "Its usage waits for a contract then.", "Add the customer"),
    "meter": ("A meter is missing", "It counts what is stored already, too.", "Add the meter"),
    "contract": (
        "A contract is missing",
        "From its effective date on the usage is billed by it.",
        "Apply the contract",
    ),
}
