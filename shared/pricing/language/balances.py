"""What has to hold between commitments, credits and the rest of the terms."""

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from shared.pricing.faults import Fault, Path
from shared.pricing.language.commitments import Commitment
from shared.pricing.language.credits import Credit
from shared.pricing.lines import PRICED_KINDS
from shared.values.money import MINOR_MAX
from shared.values.period import local_midnight

if TYPE_CHECKING:
    from shared.pricing.language.terms import Terms


def balance_faults(terms: "Terms") -> list[Fault]:
    """Return what is wrong with commitments and credits beside their own fields."""
    return [
        *(
            fault
            for at, clause in enumerate(terms.commitments)
            for fault in _of_commitment(at, clause, terms)
        ),
        *(fault for at, clause in enumerate(terms.credits) for fault in _of_credit(at, clause, terms)),
        *_repeated_order(terms),
    ]


def _of_commitment(at: int, clause: Commitment, terms: "Terms") -> Iterator[Fault]:
    path: Path = ("commitments", at)
    yield from _not_whole((*path, "amount"), clause.amount, terms)
    for index, key in enumerate(clause.applies_to or ()):
        if key not in terms.by_key:
            yield _no_line((*path, "applies_to", index), key, "name the key of a line")


def _of_credit(at: int, clause: Credit, terms: "Terms") -> Iterator[Fault]:
    path: Path = ("credits", at)
    yield from _not_whole((*path, "amount"), clause.amount, terms)
    for index, key in enumerate(clause.applies_to or ()):
        if key not in terms.by_key and key not in PRICED_KINDS:
            kinds = ", ".join(PRICED_KINDS)
            yield _no_line((*path, "applies_to", index), key, f"name the key of a line, or a kind of {kinds}")
    begins = first_instant(clause.effective or terms.term.start, terms.timezone)
    ends = None if clause.expires is None else first_instant(clause.expires, terms.timezone)
    if ends is not None and (ends < begins or (isinstance(clause.expires, datetime) and ends == begins)):
        written = clause.effective or terms.term.start
        yield Fault(
            (*path, "expires"),
            "expires_before_it_begins",
            f"It begins on {written.isoformat()} and would never pay; write an expiry after that.",
        )


def _not_whole(path: Path, amount: Decimal, terms: "Terms") -> Iterator[Fault]:
    scale = terms.money.exponent
    if amount != amount.quantize(Decimal(1).scaleb(-scale)):
        detail = f"{terms.currency} has {scale} decimals; write an amount of whole minor units."
        yield Fault(path, "not_whole_minor_units", detail)
    if amount.scaleb(scale) > MINOR_MAX:
        detail = f"It is more than can be billed, {MINOR_MAX} minor units; write less."
        yield Fault(path, "too_large", detail)


def _no_line(path: Path, key: str, remedy: str) -> Fault:
    return Fault(path, "no_such_line", f"The terms have no line {key}; {remedy}.")


def _repeated_order(terms: "Terms") -> Iterator[Fault]:
    for index, name in enumerate(terms.draw_order):
        if name in terms.draw_order[:index]:
            detail = f"{name} is named twice; what decides first decides alone."
            yield Fault(("draw_order", index), "named_twice", detail)


def first_instant(moment: date | datetime, timezone: str) -> datetime:
    """Return an instant as it is, and of a day the first, in UTC."""
    return moment if isinstance(moment, datetime) else local_midnight(moment, timezone)
