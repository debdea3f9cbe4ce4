"""Rules that the product does not offer yet, whatever their terms: which issue brings them is not a case's to say."""

from collections.abc import Callable

from u2c.cases.asking import ask, document, fee
from u2c.cases.case import Answer, Answers, Case, Later

_TAX = "tax"
_REFUND = "refunds and tenders"
_ADVANCE = "fees in advance, credited and charged again at a change"
_REVENUE = "revenue recognition"
_CATALOGUE = "prices of the catalogue that existing customers follow, and trials"
_INTERIM = "interim documents"
_SUBSCRIPTION = "upgrades and downgrades, told by advance fees"

_LATER = {
    "tax_lines": _TAX,
    "compound_tax": _TAX,
    "tax_inclusive": _TAX,
    "staged_credit": _TAX,
    "invoice_waterfall": _TAX,
    "credit_note": "tax on credit notes",
    "termination_split": _REFUND,
    "credit_cap": _ADVANCE,
    "change_lines": _ADVANCE,
    "extend_time": "unused value that becomes time on another plan",
    "price_migration": _CATALOGUE,
    "change_direction": _SUBSCRIPTION,
    "interim_credit": _INTERIM,
    **dict.fromkeys(
        (
            "ssp_allocation",
            "modification",
            "breakage",
            "ratable",
            "ratable_lines",
            "ratable_refund",
            "usage_fraction",
            "month_30_360",
            "usage_accrual",
            "minimum_revenue",
            "ramp_revenue",
            "bundle_monthly",
            "cancel_ratable",
        ),
        _REVENUE,
    ),
}


def _later(reason: str) -> Callable[[Case], Answer]:
    def answer(case: Case) -> Answer:
        raise Later(reason)

    return answer


def thresholds(case: Case) -> Answer:
    """Documents within a period, when what it comes to reaches an amount."""
    ask(
        document(lines=[fee("1")], billing={"thresholds": {"fixed": case.terms["thresholds"]}}),
        thresholds=True,
    )
    raise Later(_INTERIM)


def seat_changes(case: Case) -> Answer:
    ask(document(lines=[{"key": "seats", "kind": "seats", "unit_price": case.terms["unit_price"]}]))
    raise Later("seats")


ANSWERS: Answers = {
    "thresholds": thresholds,
    "seat_changes": seat_changes,
    **{model: _later(reason) for model, reason in _LATER.items()},
}
