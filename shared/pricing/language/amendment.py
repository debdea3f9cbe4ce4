"""What an amendment may not change."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from itertools import count
from typing import Any

from shared.pricing.faults import Fault, Path, raise_for, written
from shared.pricing.language.balances import first_instant
from shared.pricing.language.commitments import Commitment
from shared.pricing.language.terms import Terms
from shared.values.period import add_months, local_date, local_midnight


def check_amendment(previous: Terms, amended: Terms, earlier: Sequence[Terms] = ()) -> None:
    """Refuse an amendment that changes what the periods and the money of the contract rest on; `earlier` are the versions
    before the previous one. Raises TermsInvalid."""
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
    faults += [
        *_changed_balances(previous, amended),
        *_moved_refills((*earlier, previous), amended),
        *_due_before(previous, amended),
        *_prolonged_too_late(previous, amended),
        *_cut_commitments(previous, amended),
    ]
    if faults:
        raise_for(faults, written)


def _months(own: int | None) -> str:
    return "the periods of the contract" if own is None else f"{own} months"


def _due_before(previous: Terms, amended: Terms) -> list[Fault]:
    """A one-off charge that is new, or has another day, is due while the amendment is in force."""
    return [
        Fault(
            ("lines", index, "date"),
            "due_before_effect",
            f"It is before the amendment takes force, on {first_day}; give it a later day, or let the amendment take force earlier.",
        )
        for first_day in [_first_day(amended)]
        for index, line in enumerate(amended.lines)
        if line.due_on is not None and line.due_on < first_day and _due_on(previous, line.key) != line.due_on
    ]


def _prolonged_too_late(previous: Terms, amended: Terms) -> Iterator[Fault]:
    """The end of a term cuts the periods that lines have of their own, and what they come to is due: where it is put off
    after it has come, the days before it would be charged again."""
    end = previous.calendar.end_date
    if end is None or amended.calendar.end_date == end:
        return
    own = [line.key for line in previous.lines if line.own_months is not None]
    if own and amended.effective_at >= local_midnight(end, previous.timezone):
        yield Fault(
            ("effective",),
            "term_has_ended",
            f"The term ends on {end}, and with it the period of {own[0]} (every); let the amendment take force before that day.",
        )


def _cut_commitments(previous: Terms, amended: Terms) -> Iterator[Fault]:
    """A commitment's period that runs keeps its end: what was asked for by its months is what it holds."""
    day, kept = _first_day(amended), {clause.key for clause in previous.commitments}
    before, after = _end_of_service(previous), _end_of_service(amended)
    for clause in amended.commitments:
        start, months = _periods_of(clause, previous)
        if clause.key not in kept or day <= start:
            continue
        end = next(end for end in (add_months(start, months * n) for n in count(1)) if end >= day)
        if min(end, before or end) != min(end, after or end):
            yield Fault(
                ("commitments", clause.key),
                "commitment_cut",
                f"Its period that runs ends before {end}, and with this version {after or end} would; let the term end where that period does.",
            )


def _periods_of(clause: Commitment, terms: Terms) -> tuple[date, int]:
    """From when on a commitment's periods are alike, and how many months each has."""
    if clause.period == "term":
        return terms.term.end, terms.renewal.term_months or terms.term.months
    return clause.anchor or terms.term.start, 12 if clause.period == "year" else clause.period.months


def _end_of_service(terms: Terms) -> date | None:
    """The day after the last one; None: the contract is renewed."""
    return None if terms.renewal.auto else terms.term.end


def _due_on(terms: Terms, key: str) -> date | None:
    line = terms.by_key.get(key)
    return None if line is None else line.due_on


def _first_day(terms: Terms) -> date:
    """The first local day that begins while the version is in force."""
    day = local_date(terms.effective_at, terms.timezone)
    return day if local_midnight(day, terms.timezone) == terms.effective_at else day + timedelta(days=1)


def _changed_balances(previous: Terms, amended: Terms) -> Iterator[Fault]:
    """What is drawn on stays what it is, or what was paid from it would not hold."""
    for section in ("commitments", "credits"):
        kept = {clause.key: clause.hash for clause in getattr(amended, section)}
        for clause in getattr(previous, section):
            if kept.get(clause.key) != clause.hash:
                yield Fault(
                    (section, clause.key),
                    "agreed_balance_changed",
                    f"An amendment keeps {clause.key} as it was agreed; write another one beside it, under its own key.",
                )


def _moved_refills(before: Sequence[Terms], amended: Terms) -> Iterator[Fault]:
    """Refills without an anchor are counted from the day on which their credit begins: no earlier than a version takes force
    that writes it. Were that an earlier day now, all its balances would be others than those that were asked for."""
    for credit in before[-1].credits:
        if credit.refill is None or credit.refill.anchor is not None:
            continue
        own = first_instant(credit.effective or amended.term.start, amended.timezone)
        agreed_at = min(
            terms.effective_at for terms in before if any(one.hash == credit.hash for one in terms.credits)
        )
        counted_from, moved_to = (
            local_date(max(own, instant), amended.timezone)
            for instant in (agreed_at, min(agreed_at, amended.effective_at))
        )
        if moved_to < counted_from:
            yield Fault(
                ("credits", credit.key),
                "refill_moved",
                f"Its refills are counted from {counted_from}, since when it is agreed; let the amendment take force then, or later.",
            )


def _fixed(terms: Terms) -> dict[Path, Any]:
    """Return what may not change between versions: also the kind, the meter and the own periods of a line, or one line
    would count two things."""
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
        **{("lines", line.key, "every"): _months(line.own_months) for line in terms.recurring_lines},
    }
