"""The conventions that the product deliberately does not have, each with its reason; docs/conventions.md says the same
at more length, in the same words."""

from typing import Final

REASONS: Final = {
    "worst_of_meters": "a tier chosen by the worst of several meters: a line counts one meter",
    "part_windows": "queries that drop windows in part: bounds are exact to the microsecond",
    "day_twice": "a day billed twice at a switch of plans: each day is billed once",
    "invoice_an_event": "an invoice for every single event: usage is billed by period, or by threshold",
    "all_or_nothing": "a credit that is refused unless all of it is used: what is left stays on its block",
    "rest_elsewhere": "a split whose rest goes to the largest part, from part to part, or is rounded away: a division is by largest "
    "remainder, or has its rest on the last part, and its parts sum to the whole",
}


def not_offered(name: str) -> str:
    """Return why a convention is not offered."""
    return REASONS[name]
