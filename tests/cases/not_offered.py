"""The outside cases that are not answered yet, in one list, with the reason in the field's words.

`later` is on its way; `not offered` is a convention this product deliberately does not have.
"""

BY_MODEL = {
    "aggregate": "later: these cases are not fed through the meters yet; average, max, latest, weighted and windowed meters are later themselves",
    "windowed_sum": "later: queries by window that truncate their ends",
    "daily_allowance": "later: an allowance per day (included.per: day)",
    "event_priced": "later: dynamic prices, where the price comes in the event, and cost-plus",
    "converted": "later: unit conversion before the allowance (convert)",
    "duration": "later: durations with connect fee, increments and local time bands",
    "tiered_blocks": "later: block prices, all tiers and top tier",
    "capacity_tier": "later: capacity tiers set by the worst unit",
    "bucketed": "later: prices per time bucket (per_bucket)",
    "components": "later: a quantity as a product of fields times a factor",
    "sequential_discounts": "later: discounts",
    "pct_of": "later: percentage discounts and taxes of a base",
    "tax_lines": "later: tax",
    "compound_tax": "later: tax",
    "tax_inclusive": "later: tax",
    "credit_note": "later: credit notes",
    "staged_credit": "later: discounts and tax",
    "ordered_discount": "later: amount discounts in line order",
    "drawdown": "later: credits",
    "thresholds": "later: interim documents",
    "period_reset": "later: balances with refill and roll-over",
    "wallets": "later: credits",
    "window_commitment": "later: commitments",
    "cumulative_commitment": "later: commitments",
    "unit_bundle": "later: balances in units",
    "apply_credits": "later: credits",
    "invoice_waterfall": "later: discounts, tax and credits",
    "grant_order": "later: credits",
    "settlement": "later: credits",
    "debit": "later: balances",
    "interim_credit": "later: interim documents",
    "price_migration": "later: catalogue price versions and trials",
    "termination_split": "later: termination with refund",
    "escalator": "later: escalators",
    "change_lines": "later: fees in advance, credited and charged again at a change",
    "seat_changes": "later: seats",
    "change_direction": "later: upgrade and downgrade",
    "two_plans": "later: the switch day of a plan change (switch_day)",
    "renewal_price": "later: renewal uplift",
    "ramp_schedule": "later: phases with their own price",
    "credit_cap": "later: credit for the unused part of an advance fee",
    "extend_time": "later: unused value converted into time",
    "ssp_allocation": "later: revenue recognition",
    "modification": "later: revenue recognition",
    "breakage": "later: revenue recognition",
    "ratable": "later: revenue recognition",
    "ratable_lines": "later: revenue recognition",
    "ratable_refund": "later: revenue recognition",
    "usage_fraction": "later: revenue recognition",
    "month_30_360": "later: revenue recognition",
    "usage_accrual": "later: revenue recognition",
    "minimum_revenue": "later: revenue recognition",
    "ramp_revenue": "later: revenue recognition",
    "bundle_monthly": "later: revenue recognition",
    "cancel_ratable": "later: revenue recognition",
}

_EACH_EVENT = "later: percentage of each event, with fixed fee, free events or bounds"
_MAXIMUM = "later: line maximum"
_SECOND = "later: proration by the second"
_THIRTY = "later: months of thirty days"
_CASCADE = "not offered: every division is a largest-remainder split, so that parts of equal weight differ by at most one minor unit"

BY_CASE = {
    "PR-007": _MAXIMUM,
    "PR-008": _MAXIMUM,
    "PR-079": "later: a cap on a tier",
    "PR-090": "later: the tier picked by another quantity than the one priced (tier_by)",
    **dict.fromkeys(
        ("PR-143", "PR-144", "PR-148", "PR-150", "PR-151", "PR-152", "PR-153", "PR-154", "PR-155"),
        _EACH_EVENT,
    ),
    "PR-171": "not offered: usage that matches no rate holds its statement and is named; a part of a line is never billed in silence",
    "DT-097": "later: cash rounding to a step",
    **dict.fromkeys(
        ("DT-022", "DT-024", "DT-025", "DT-027", "DT-028", "DT-029", "DT-030", "DT-033"), _CASCADE
    ),
    "CC-002": "later: interim documents, which leave the minimum to the last one",
    **dict.fromkeys(("CC-003", "CC-012", "CC-013", "CC-014", "CC-015"), _MAXIMUM),
    "CC-018": "later: a custom pricing unit with a conversion rate",
    "PO-009": "later: trials",
    "PO-010": "later: trials",
    **dict.fromkeys(
        ("PO-033", "PO-035", "PO-036", "PO-089", "PO-091", "PO-092", "PO-095", "PO-098"), _THIRTY
    ),
    **dict.fromkeys(("PO-068", "PO-069", "PO-074", "PO-075", "PO-076"), _SECOND),
    "CH-071": "later: an add-on that ends with its base",
    "CH-073": "later: trials",
    "CH-085": "later: notice and cancellation",
}
