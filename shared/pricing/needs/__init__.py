"""How usage is read: one file a need. To add one: its file here, and the name of its reader in the rating service
(`services/rating/statements/usecases/read_usage.py`); pricing never learns where a number came from.

A price says what it `reads`; the layout of a period asks for it, and the answer is found by the need itself.
"""

from collections.abc import Mapping

from shared.pricing.needs.full_totals import FullTotals
from shared.pricing.needs.need import Need
from shared.pricing.needs.totals import Totals, TotalsRead

Usage = Mapping[Totals, TotalsRead]
"""What was read: each need → its answer."""

__all__ = ["FullTotals", "Need", "Totals", "TotalsRead", "Usage"]
