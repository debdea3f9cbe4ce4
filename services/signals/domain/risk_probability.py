"""How sure it is that a customer's use has fallen, and that the customer has gone: two probabilities for the order of
a list, beside the points that give its reasons.

Both say what has happened by the evaluated day, never what will: the one forecast is `renewal_model.py`. They are
floats, so that nothing ties that differs; `as_share` is what is stored and shown.
"""

from collections.abc import Sequence
from decimal import Decimal
from math import erfc, exp, log, sqrt
from statistics import fmean

DAYS_A_WEEK = 7
NEW_WEEKS, OLD_WEEKS, OLD_WEEKS_MIN = 4, 12, 4
#: Use that kept less than this of its rate has fallen.
KEPT_MIN = 0.75
#: Added to a count before its logarithm, so that none is 0 (Haldane, Anscombe).
HALF = 0.5
PLACES = Decimal("0.0001")


def weeks_before(days: Sequence[float]) -> list[float]:
    """The counts of whole weeks of seven days, oldest first, of `days`: counts of consecutive days, oldest first, the
    last being the day before the evaluated one. Days that fill no week at the beginning are left out."""
    first = len(days) % DAYS_A_WEEK
    return [sum(days[at : at + DAYS_A_WEEK]) for at in range(first, len(days), DAYS_A_WEEK)]


def p_fall(weeks: Sequence[float | None]) -> float | None:
    """The probability that use fell by more than a quarter; None where fewer than four old weeks are known, or no new one.

    `weeks` are the counts of whole weeks before the evaluated day (`weeks_before`), oldest first, none before the
    customer's first use: the last four are new, the up to twelve before them old, what is older is not looked at.
    A week in which nobody could be heard is None, and known to be neither much nor little.
    A ratio of two counts is lognormal about its own, with the variance 1/new + 1/old, and more where the old weeks
    vary by more than chance (φ, their variance over their mean).
    """
    new, old = _heard(weeks[-NEW_WEEKS:]), _heard(weeks[-NEW_WEEKS - OLD_WEEKS : -NEW_WEEKS])
    if len(old) < OLD_WEEKS_MIN or not new:
        return None
    late, early = sum(new) + HALF, sum(old) + HALF
    ratio = late * len(old) / (early * len(new))
    spread = max(1.0, _variance(old) / fmean(old)) if any(old) else 1.0
    error = sqrt(spread * (1 / late + 1 / early))
    return _normal((log(KEPT_MIN) - log(ratio)) / error)


def p_gone(silent_days: int, days_since_first_use: int, days_of_use: int) -> float | None:
    """The probability that a silence is longer than the customer's own rhythm allows: that of a shorter gap, were its
    days of use scattered by chance. None for a customer without any use.

    All as the evaluated day begins: `silent_days` are the whole days without use since the last one with,
    `days_since_first_use` counts the day of first use and every later one, `days_of_use` those of them with use.
    """
    if days_of_use <= 0 or days_since_first_use <= 0:
        return None
    return 1 - exp(-silent_days * days_of_use / days_since_first_use)


def score_p(fall: float | None, gone: float | None) -> float | None:
    """The larger of what is known; None where neither is."""
    return max((one for one in (fall, gone) if one is not None), default=None)


def as_share(probability: float | None) -> Decimal | None:
    """A probability as it is stored and shown, to four places."""
    return None if probability is None else Decimal(probability).quantize(PLACES)


def _heard(weeks: Sequence[float | None]) -> list[float]:
    return [week for week in weeks if week is not None]


def _variance(counts: Sequence[float]) -> float:
    """Of a sample. The library's is exact, in fractions, and took a tenth of an evaluation."""
    mean = fmean(counts)
    return sum((one - mean) ** 2 for one in counts) / (len(counts) - 1)


def _normal(deviations: float) -> float:
    """Φ, the share of a normal distribution below so many standard deviations."""
    return erfc(-deviations / sqrt(2)) / 2
