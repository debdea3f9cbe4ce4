"""The terms language: what people write, as YAML or JSON, validated by one schema."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from shared.pricing.activation import Activation
from shared.pricing.clause import Clause
from shared.pricing.faults import Fault, Path, faults_of, raise_for, refuse, written
from shared.pricing.fields import Amount, CurrencyCode, Day, Effective, StartDay, Zone
from shared.pricing.lines import Line, RecurringLine, UsageLine, one_of_each
from shared.pricing.unions import keyed_sections
from shared.values.fields import AskedSubject, Key, Label
from shared.values.money import Currency, Rounding, currency
from shared.values.period import BillingCalendar, add_months, local_midnight


class Term(Clause):
    """When the contract starts, and for how many months it is agreed."""

    start: StartDay
    months: Annotated[int, Field(strict=True, ge=1, le=1200)]

    @property
    def end(self) -> date:
        """The first day after the term."""
        return add_months(self.start, self.months)


class Renewal(Clause):
    """With `auto` the terms run on after the term; `term_months` is the length of each further term."""

    auto: Annotated[bool, Field(strict=True)] = False
    notice_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 0
    term_months: Annotated[int, Field(strict=True, ge=1, le=1200)] | None = None


class Billing(Clause):
    """Periods, payment and rounding. A period closes `grace_hours` after its end."""

    interval: Literal["month"] = "month"
    anchor_day: Annotated[int, Field(strict=True, ge=1, le=31)] = 1
    net_days: Annotated[int, Field(strict=True, ge=0, le=3650)] = 30
    grace_hours: Annotated[int, Field(strict=True, ge=0, le=8760)] = 72
    rounding: Literal["half_up", "half_even", "half_down", "up", "down", "ceiling", "floor"] = "half_up"

    @property
    def rounding_mode(self) -> Rounding:
        return Rounding(self.rounding)


class Phase(Clause):
    """From this day, until the next phase, at least this much is charged each period."""

    from_: Annotated[Day, Field(alias="from")]
    minimum_spend: Amount


LEGAL_ENTITY_UNNAMED: Final = "default"
"""What numbers its documents where the terms name no legal entity."""


class Plan(Clause):
    """A plan of the catalogue: lines that contracts naming it start from."""

    plan: Key
    name: Label | None = None
    currency: CurrencyCode | None = None
    lines: Annotated[tuple[Line, ...], Field(min_length=1, max_length=1000)]


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
    plan: Key | None = None
    lines: Annotated[tuple[Line, ...], Field(max_length=1000), AfterValidator(one_of_each)] = ()
    phases: Annotated[tuple[Phase, ...], Field(max_length=200)] = ()
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
                *_overlapping_phases(self.phases),
                *_early_effect(self),
                *_shared_unpriced(self),
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
    def by_key(self) -> dict[str, Line]:
        return {line.key: line for line in self.lines}

    @property
    def usage_lines(self) -> tuple[UsageLine, ...]:
        return tuple(line for line in self.lines if isinstance(line, UsageLine))

    @property
    def recurring_lines(self) -> tuple[RecurringLine, ...]:
        return tuple(line for line in self.lines if isinstance(line, RecurringLine))


def parse_terms(document: Mapping[str, Any], *, plan: Mapping[str, Any] | None = None) -> Terms:
    """Return validated terms. The plan's lines come first; a line of the contract replaces the plan's of the
    same key.

    Raises TermsInvalid with every fault and its path, or ClauseNotPricedYet when only clauses not priced yet
    are at fault.
    """
    _refuse_all_but_a_mapping(document)
    merged, origins = _merge(document, plan)

    def place(path: Path) -> str:
        if path[:1] == ("lines",) and len(path) > 1 and isinstance(path[1], int):
            return written((origins[path[1]], *path[2:]))
        return written(path)

    repeated = _repeated_keys(document, Terms)
    try:
        terms = Terms.model_validate(merged)
    except ValidationError as error:
        raise_for([*faults_of(error, merged, Terms), *repeated], place)
    if repeated:
        raise_for(repeated, written)
    return terms


def parse_plan(document: Mapping[str, Any]) -> Plan:
    """Return a validated plan; errors as parse_terms."""
    _refuse_all_but_a_mapping(document)
    repeated = _repeated_keys(document, Plan)
    try:
        plan = Plan.model_validate(document)
    except ValidationError as error:
        raise_for([*faults_of(error, document, Plan), *repeated], written)
    if repeated:
        raise_for(repeated, written)
    return plan


def terms_json_schema() -> dict[str, Any]:
    """Return the published JSON Schema of a terms document."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **Terms.model_json_schema(by_alias=True),
    }


def to_document(terms: Terms | Plan) -> dict[str, Any]:
    """Return the document as JSON values, decimals as strings; parsing it yields the same terms."""
    return terms.model_dump(mode="json", by_alias=True, exclude_none=True)


def content_hash(terms: Terms) -> str:
    """Return a hash of what the terms say; "500" and "500.00", or a default written out, are the same."""
    return terms.hash


def check_amendment(previous: Terms, amended: Terms) -> None:
    """Refuse an amendment that changes what the periods and the money of the contract rest on. Raises
    TermsInvalid."""
    before, after = _fixed(previous), _fixed(amended)
    faults = [
        Fault(
            path,
            "fixed_by_first_version",
            f"An amendment keeps it ({before[path]}); sign a new contract to change it.",
        )
        for path in after
        if after[path] != before.get(path, after[path])
    ]
    if faults:
        raise_for(faults, written)


def _fixed(terms: Terms) -> dict[Path, Any]:
    """Return what may not change between versions: also the kind and meter of a line, or one line would count
    two things."""
    return {
        ("contract",): terms.contract,
        ("customer",): terms.customer,
        ("legal_entity",): terms.legal_entity,
        ("currency",): terms.currency,
        ("timezone",): terms.timezone,
        ("term", "start"): terms.term.start,
        ("billing", "interval"): terms.billing.interval,
        ("billing", "anchor_day"): terms.billing.anchor_day,
        **{("lines", line.key, "kind"): line.kind for line in terms.lines},
        **{("lines", line.key, "meter"): line.meter for line in terms.usage_lines},
    }


def _refuse_all_but_a_mapping(document: object) -> None:
    if not isinstance(document, Mapping):
        raise_for(
            [
                Fault(
                    (),
                    "not_a_document",
                    "Terms are one object with keys such as contract, customer and lines.",
                )
            ],
            written,
        )


def _merge(document: Mapping[str, Any], plan: Mapping[str, Any] | None) -> tuple[dict[str, Any], list[str]]:
    """Return the document with the plan's lines under its own, and where each merged line was written."""
    own = document.get("lines", [])
    if plan is None or not isinstance(own, Sequence):
        return dict(document), [
            f"lines[{index}]" for index in range(len(own) if isinstance(own, Sequence) else 0)
        ]
    merged: dict[Any, tuple[Any, str]] = {}
    for index, line in enumerate(plan.get("lines", [])):
        merged[_key_of(line, ("plan", index))] = (line, f"plan.lines[{index}]")
    for index, line in enumerate(own):
        merged[_key_of(line, ("own", index))] = (line, f"lines[{index}]")
    return {**document, "lines": [line for line, _ in merged.values()]}, [
        origin for _, origin in merged.values()
    ]


def _key_of(line: object, otherwise: tuple[str, int]) -> str | tuple[str, int]:
    key = line.get("key") if isinstance(line, Mapping) else None
    return key if isinstance(key, str) else otherwise


def _repeated_keys(document: Mapping[str, Any], language: type[BaseModel]) -> list[Fault]:
    """Faults of keys used twice, told beside any other fault."""
    return [
        fault
        for section in keyed_sections(language)
        for fault in _repeats(_written_at(section, document), section)
    ]


def _written_at(section: Sequence[str], document: Mapping[str, Any]) -> object:
    here: Any = document
    for name in section:
        here = here.get(name) if isinstance(here, Mapping) else None
    return here


def _repeats(items: object, section: Path) -> list[Fault]:
    seen: set[str] = set()
    faults = []
    for index, item in enumerate(items if isinstance(items, list | tuple) else ()):
        key = item.get("key") if isinstance(item, Mapping) else None
        if isinstance(key, str) and key in seen:
            faults.append(
                Fault(
                    (*section, index, "key"), "duplicate_key", f"{key} is used twice; a key names one clause."
                )
            )
        elif isinstance(key, str):
            seen.add(key)
    return faults


def _missing_charge(terms: Terms) -> list[Fault]:
    return (
        []
        if terms.lines or terms.phases
        else [Fault(("lines",), "missing", "Terms hold at least one line or one phase.")]
    )


def _overlapping_phases(phases: Sequence[Phase]) -> list[Fault]:
    return [
        Fault(
            ("phases", index, "from"),
            "phase_overlap",
            f"It is after the phase before it ({earlier.from_}); a phase ends where the next begins.",
        )
        for index, (earlier, later) in enumerate(pairwise(phases), start=1)
        if later.from_ <= earlier.from_
    ]


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


__all__ = [
    "Billing",
    "Line",
    "Phase",
    "Plan",
    "RecurringLine",
    "Renewal",
    "Term",
    "Terms",
    "UsageLine",
    "check_amendment",
    "content_hash",
    "parse_plan",
    "parse_terms",
    "terms_json_schema",
    "to_document",
]
