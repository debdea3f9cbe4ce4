"""How often what nobody looks at is told."""


def told_every_s(least_s: float, drafts: int, a_second: float) -> float:
    """Seconds from one telling of a draft to the next, where so many drafts wait to be told: `least_s`, and longer
    where they would be more than `a_second` together."""
    return max(least_s, drafts / a_second)
