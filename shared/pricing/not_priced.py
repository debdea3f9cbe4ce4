"""What the language has a meaning for beyond what pricing offers: refused by name, so that nobody signs what
nobody bills.

A name need not leave these lists once it is offered: only what the types refuse is looked up here.
"""

from typing import Final

_SECTIONS: Final = frozenset(
    {
        "late_usage",
        "commitments",
        "credits",
        "thresholds",
        "index",
        "refill",
        "tax",
        "pricing_unit",
        "add_ons",
        "pause",
        "measured",
        "spread",
        "cap_includes_overage",
        "advance_separately",
        "negative",
        "switch_day",
        "minimum_spend",
        "cancellation",
        "top_up",
        "limits",
        "alerts",
        "base",
        "excess",
    }
)
_LINE: Final = frozenset(
    {
        "unit_price",
        "rounding",
        "convert",
        "discount",
        "discounts",
        "measured",
        "count",
        "increment",
        "overage",
        "rollover",
        "roll_over",
        "negative",
        "until",
        "from",
        "phases",
        "escalator",
        "currency",
        "counted",
        "one_off",
        "unit",
        "per_bucket",
        "commit",
        "settle_by",
    }
)
_PRICE: Final = frozenset(
    {
        "cap",
        "tier_by",
        "convert",
        "duration",
        "blocks",
        "per_bucket",
        "free_events",
        "fixed",
        "free_amount",
        "fixed_at_zero",
        "minimum",
        "maximum",
        "factor",
        "connect_fee",
        "increments",
        "bands",
        "multiplier",
        "card",
        "unmatched",
        "increment_rounding",
    }
)
_BELOW: Final = {
    "escalators": frozenset({"index"}),
    "renewal": frozenset({"uplift_percent", "basis", "compound", "uplift"}),
    "billing": frozenset({"align", "switch_day", "advance_separately", "every", "interim", "thresholds"}),
    "phases": frozenset(
        {
            "months",
            "interval",
            "price",
            "discount",
            "to",
            "until",
            "amount",
            "percent",
            "factor",
            "days",
            "quantities",
        }
    ),
    "term": frozenset({"starts", "days"}),
    "lines": _LINE,
    "price": _PRICE,
    "credits": frozenset({"unit", "amount_per", "scope", "increment", "overage"}),
    "tiers": frozenset({"percent", "minimum", "maximum"}),
}

MILESTONE_FIELDS: Final = frozenset({"commitment_share"})
"""Fields that make a kind of milestone."""
NAMED_MEMBERS: Final = MILESTONE_FIELDS | frozenset(
    {
        "seats",
        "one_off",
        "one_time",
        "add_on",
        "flat",
        "percentage",
        "graduated_percentage",
        "dynamic",
        "cost_plus",
        "time_of_day",
        "duration",
        "blocks",
        "capacity",
        "per_bucket",
        "product",
        "share",
        "bands",
    }
)
"""Kinds of lines, price models and kinds of milestones."""
NAMED_VALUES: Final = frozenset(
    {
        ("timing", "advance"),
        ("proration", "second"),
        ("proration", "thirty_day_month"),
        ("proration", "day_30"),
        ("proration", "strict_30"),
        ("interval", "day"),
        ("interval", "week"),
        ("interval", "year"),
        ("interval", "quarter"),
        ("on_change", "scale"),
        ("per", "day"),
        ("per", "event"),
    }
)
"""(key, value) of a choice."""


def is_not_priced(path: tuple[str | int, ...]) -> bool:
    """Whether an unknown key at this path is a clause of the language that is not priced yet."""
    key, section = path[-1], next((part for part in reversed(path[:-1]) if isinstance(part, str)), None)
    return key in (_SECTIONS if section is None else _BELOW.get(section, frozenset()))
