"""What the language has a meaning for beyond what pricing offers: refused by name, so that nobody signs what
nobody bills.

A name need not leave these lists once it is offered: only what the types refuse is looked up here.
"""

from collections.abc import Mapping
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
        "advance_separately",
        "negative",
        "switch_day",
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
        "count",
        "increment",
        "overage",
        "rollover",
        "roll_over",
        "negative",
        "until",
        "from",
        "phases",
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
    "credits": frozenset({"unit", "amount_per", "scope", "increment", "overage", "overdraft"}),
    "commitments": frozenset({"unit", "overdraft"}),
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
        ("interval", "day"),
        ("interval", "week"),
        ("interval", "year"),
        ("interval", "quarter"),
        ("on_change", "scale"),
        ("round_used_first", "False"),
        ("per", "day"),
        ("per", "event"),
    }
)
"""(key, value) of a choice."""


_ELSEWHERE: Final[Mapping[tuple[str | None, str], str]] = {
    (None, "minimum_spend"): 'in a phase, such as phases: [{from: 2026-01-01, minimum_spend: "1000"}]',
    (
        "lines",
        "minimum_spend",
    ): "in a phase, for all lines together; the least that one line costs is its minimum",
    (
        "lines",
        "cap",
    ): "beside the lines, for all of them together; the most that one line costs is its maximum",
    ("lines", "discount"): "beside the lines, among the discounts, and names its lines (applies_to)",
    ("lines", "discounts"): "beside the lines, and each names its lines (applies_to)",
    ("lines", "escalator"): "beside the lines, among the escalators, and names its lines (applies_to)",
    ("price", "convert"): "on the line, beside its price",
    ("price", "included"): "on the line, beside its price",
}


def is_not_priced(path: tuple[str | int, ...]) -> bool:
    """Whether an unknown key at this path is a clause of the language that is not priced yet."""
    key, section = _place(path)
    return key in (_SECTIONS if section is None else _BELOW.get(section, frozenset()))


def written_elsewhere(path: tuple[str | int, ...]) -> str | None:
    """Return where a key that is unknown at this path is written; None: nowhere."""
    key, section = _place(path)
    return _ELSEWHERE.get((section, key))


def _place(path: tuple[str | int, ...]) -> tuple[str, str | None]:
    """Return the key, and the section that it stands in."""
    return str(path[-1]), next((part for part in reversed(path[:-1]) if isinstance(part, str)), None)
