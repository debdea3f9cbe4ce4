"""Settlement: each line is rounded once; integers from here on."""

from shared.pricing.explanation import Explanation
from shared.pricing.results import PricedLine
from shared.pricing.steps.draft import Draft
from shared.values.money import Currency, Rounding, settle


def settle_line(
    line_id: str, draft: Draft, to: Currency, mode: Rounding, explanation: Explanation
) -> PricedLine:
    """Return the line in minor units. The explanation says what rounding added."""
    money = settle(draft.exact, to, mode)
    if explanation.wanted:
        explanation.add(
            "settle",
            draft.clause_id,
            f"{draft.key} rounded {mode} to {money} {to.code}",
            amount=money.to_decimal() - draft.exact,
        )
    return PricedLine(
        line_id=line_id,
        key=draft.key,
        clause_id=draft.clause_id,
        clause_hash=draft.clause_hash,
        version=draft.version,
        kind=draft.kind,
        meter=draft.meter,
        description=draft.description,
        quantity=draft.quantity,
        amount_minor=money.minor,
        segments=draft.segments,
    )
