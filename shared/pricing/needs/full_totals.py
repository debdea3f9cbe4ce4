"""A total a group of what was counted before it was prorated."""

from shared.pricing.needs.totals import Totals


class FullTotals(Totals, frozen=True, gc=False):
    """Answered by `TotalsRead`, as what a meter prorates would be without that. No meter prorates so far: from events, and
    from what is stored, it is what `Totals` is; on paper usage by line may say it."""
