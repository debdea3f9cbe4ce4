"""What an amendment may not change."""

from collections.abc import Iterator
from typing import Any

from shared.pricing.faults import Fault, Path, raise_for, written
from shared.pricing.language.terms import Terms


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
    faults += [*_changed_balances(previous, amended)]
    if faults:
        raise_for(faults, written)


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
