"""From a document to a question, every fault with its path."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import pairwise
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from services.rating.catalogue.domain.meter import Meter
from services.rating.catalogue.requests import MeterDocument, meter_of
from services.rating.metering.domain.paper import PaperEvent, PaperUsage
from services.rating.paper.domain.question import Question, UsageRead, UsageRow, fault, refused, told
from services.rating.paper.domain.usage_by_line import UsageByLine
from services.rating.paper.requests.documents import (
    GrantedDocument,
    QuestionDocument,
    RecordedDocument,
    UsageDocument,
)
from shared.documents.written_number import as_written
from shared.pricing.blocks import Block
from shared.pricing.blocks.agreed import expiry_of
from shared.pricing.blocks.parts import Part, prepayment_of
from shared.pricing.faults import ClauseNotPricedYet, TermsInvalid, written
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Terms, check_amendment, content_hash, parse_terms
from shared.values.fault_words import said
from shared.values.instants import to_us
from shared.values.money import format_minor, settle
from shared.values.period import local_midnight

NOT_PRICED = "clause_not_priced_yet"
_ALWAYS = datetime.min.replace(tzinfo=UTC)
D = TypeVar("D", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class _Version:
    """A version, and the place at which it stands in the question."""

    place: int
    terms: Terms
    recorded: datetime


def parse_question(document: object) -> Question:
    """Return a question, read from JSON by `read_exactly`.

    Raises QuestionInvalid, TermsInvalid or ClauseNotPricedYet, each with every fault of the part at fault and their
    paths, and EventsUnread.
    """
    asked = _validated(QuestionDocument, document)
    _refuse_not_offered(asked)
    versions = [_version(place, one) for place, one in enumerate(asked.versions)]
    zone = versions[0].terms.timezone
    known_at = None if asked.as_known_at is None else _instant(asked.as_known_at, zone)
    until = _instant(asked.until, zone)
    usage = (
        _usage_by_line(asked.usage or (), versions, until)
        if asked.events is None
        else _usage_of_events(asked, versions, until)
    )
    chain = _chain(versions, known_at)
    blocks = _blocks(asked.blocks, chain[-1].terms)
    return Question(
        chain, usage, until, tuple(blocks), tuple(_prepayments(asked.blocks, blocks, chain[-1].terms))
    )


def _validated(kind: type[D], value: object, below: tuple[str | int, ...] = ()) -> D:
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        faults = [
            fault(written((*below, *one["loc"])), one["type"], said(one["type"], one["msg"]))
            for one in error.errors(include_url=False)
        ]
        if all(one["code"] == NOT_PRICED for one in faults):
            raise ClauseNotPricedYet(told(faults), errors=faults) from None
        raise refused(*faults) from None


def _instant(moment: date | datetime, zone: str) -> datetime:
    """A day means its local midnight."""
    return moment if isinstance(moment, datetime) else local_midnight(moment, zone)


def _refuse_not_offered(asked: QuestionDocument) -> None:
    """Cards have a meaning in questions that pricing does not offer yet."""
    if asked.cards:
        faults = [fault("cards", NOT_PRICED, "cards are not priced yet; leave them out.")]
        raise ClauseNotPricedYet(told(faults), errors=faults)


def _blocks(documents: Sequence[GrantedDocument], terms: Terms) -> list[Block]:
    """Return the blocks that a question grants to its contract."""
    faults = [found for n, one in enumerate(documents) for found in _misfits(n, one, documents[:n], terms)]
    if faults:
        raise refused(*faults)
    start = local_midnight(terms.term.start, terms.timezone)
    return [
        Block(
            one.id,
            one.id,
            one.kind,
            _adjusted(n, one, terms),
            begins := start if one.effective is None else _instant(one.effective, terms.timezone),
            expiry_of(one.expires, terms.timezone),
            begins,
            one.priority,
            applies_to=None if one.applies_to is None else tuple(one.applies_to),
        )
        for n, one in enumerate(documents)
    ]


def _adjusted(n: int, one: GrantedDocument, terms: Terms) -> int:
    """What it was granted and adjusted by, in minor units. Raises QuestionInvalid, as the call would be refused."""
    minor = _minor(one.amount, terms)
    for at, adjustment in enumerate(one.adjustments):
        by = _minor(adjustment.amount, terms)
        if by < 0 and minor + by < 0 and not adjustment.allow_negative:
            left = format_minor(minor, terms.money)
            words = f"{left} are left of it then; take off no more, or say allow_negative."
            raise refused(fault(f"blocks[{n}].adjustments[{at}].amount", "balance_too_small", words))
        minor += by
    return minor


def _minor(amount: Decimal, terms: Terms) -> int:
    return settle(amount, terms.money, terms.billing.rounding_mode).minor


def _prepayments(
    documents: Sequence[GrantedDocument], blocks: Sequence[Block], terms: Terms
) -> Iterator[Part]:
    """What documents ask for blocks that are paid, whatever they are adjusted by."""
    for one, block in zip(documents, blocks, strict=True):
        if one.asked_for:
            yield prepayment_of(block, _minor(one.amount, terms), terms, one.cost_basis)


def _misfits(
    n: int, one: GrantedDocument, before: Sequence[GrantedDocument], terms: Terms
) -> Iterator[dict[str, str]]:
    """What is wrong between a block, the others and the contract."""
    path = f"blocks[{n}]"
    if one.currency != terms.currency:
        words = f"The contract is in {terms.currency}; a block pays lines of its own currency."
        yield fault(f"{path}.currency", "currency_differs", words)
    if any(one.id == other.id for other in before):
        yield fault(f"{path}.id", "duplicate_key", f"{one.id} is used twice; an id names one block.")
    if terms.contract not in one.draws or one.customer not in (None, terms.customer):
        words = (
            f"{terms.contract} of {terms.customer} does not draw on it; name the contract of the question."
        )
        yield fault(path, "another_contract", words)
    begins = terms.term.start if one.effective is None else one.effective
    ends = expiry_of(one.expires, terms.timezone)
    if ends is not None and ends <= _instant(begins, terms.timezone):
        words = "It is over before it begins; write a later day or instant."
        yield fault(f"{path}.expires", "expires_before_effective", words)


def _version(place: int, document: dict[str, Any]) -> _Version:
    recorded = _validated(RecordedDocument, document, ("versions", place)).recorded
    try:
        terms = parse_terms({key: value for key, value in document.items() if key != "recorded"})
    except TermsInvalid as error:
        raise _placed(error, place) from None
    if terms.plan is not None:
        words = "A question reads no catalogue; write the plan's lines."
        raise refused(fault(f"versions[{place}].plan", "plan_not_read", words))
    return _Version(place, terms, _ALWAYS if recorded is None else _instant(recorded, terms.timezone))


def _chain(versions: Sequence[_Version], known_at: datetime | None) -> tuple[VersionInForce, ...]:
    """Return the versions known at an instant (None: all), numbered in the order they were recorded."""
    in_order = sorted(versions, key=lambda version: version.recorded)
    known = [version for version in in_order if known_at is None or version.recorded <= known_at]
    if not known:
        words = "No version was recorded by then; ask for a later instant."
        raise refused(fault("as_known_at", "no_version_known", words))
    for place, (version, amended) in enumerate(pairwise(known)):
        try:
            check_amendment(version.terms, amended.terms, [earlier.terms for earlier in known[:place]])
        except TermsInvalid as error:
            raise _placed(error, amended.place) from None
    return tuple(
        VersionInForce(number, one.terms.effective_at, one.terms, content_hash(one.terms))
        for number, one in enumerate(known, start=1)
    )


def _placed(error: TermsInvalid, place: int) -> TermsInvalid:
    """The same fault, its paths those of the question."""
    faults = [{**one, "path": f"versions[{place}].{one['path']}".rstrip(".")} for one in error.errors]
    return type(error)(told(faults), errors=faults)


def _usage_of_events(asked: QuestionDocument, versions: Sequence[_Version], until: datetime) -> UsageRead:
    meters = _meters(asked.meters)
    known = {meter.meter for meter in meters}
    unknown = [
        fault(
            f"versions[{version.place}].lines[{n}].meter",
            "meter_unknown",
            f"There is no meter {line.metered_by} among `meters`; add it, or give `usage` by line.",
        )
        for version in versions
        for n, line in enumerate(version.terms.lines)
        if line.metered_by is not None and line.metered_by not in known
    ]
    if unknown:
        raise refused(*unknown)
    events = [
        PaperEvent(event.id, event.type, to_us(event.time), as_written(event.data))
        for event in asked.events or ()
        if event.time < until
    ]
    return PaperUsage(meters, events)


def _meters(documents: Sequence[MeterDocument]) -> list[Meter]:
    names = [document.meter for document in documents]
    repeated = [
        fault(f"meters[{n}].meter", "duplicate_key", f"{name} is used twice; a name names one meter.")
        for n, name in enumerate(names)
        if name in names[:n]
    ]
    if repeated:
        raise refused(*repeated)
    return [meter_of(document.meter, document, 0, True) for document in documents]


def _usage_by_line(rows: Sequence[UsageDocument], versions: Sequence[_Version], until: datetime) -> UsageRead:
    zone = versions[0].terms.timezone
    lines = {line.key for version in versions for line in version.terms.usage_lines}
    unknown = [
        fault(
            f"usage[{n}].line",
            "line_unknown",
            f"No version has a usage line {row.line}; add it, or correct the name.",
        )
        for n, row in enumerate(rows)
        if row.line not in lines
    ]
    if unknown:
        raise refused(*unknown)
    return UsageByLine([_row(f"usage[{n}]", row, zone) for n, row in enumerate(rows)], until)


def _row(path: str, row: UsageDocument, zone: str) -> UsageRow:
    start, end = _instant(row.begins, zone), None if row.to is None else _instant(row.to, zone)
    if end is not None and end <= start:
        raise refused(fault(f"{path}.to", "span_empty", "It is after `from`, and excluded itself."))
    full = row.quantity if row.full_quantity is None else row.full_quantity
    return UsageRow(path, row.line, start, end, row.quantity, full, tuple(sorted(row.group.items())))
