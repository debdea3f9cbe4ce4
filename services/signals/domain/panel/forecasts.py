"""What was forecast out of time: for a month only from what had ended before it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from services.signals.domain.panel.customer_months import CustomerMonth
from services.signals.domain.renewal_model import Outcome, RenewalModel, fit


@dataclass(frozen=True, slots=True)
class Forecasts:
    """Month → what was learned from all that had ended by its first day; None where nothing had."""

    models: Mapping[date, RenewalModel | None]

    def is_told(self, at: date) -> bool:
        return self.models[at] is not None

    def is_fitted(self, at: date) -> bool:
        model = self.models[at]
        return model is not None and model.is_fitted

    def outcomes_before(self, at: date) -> int:
        model = self.models[at]
        return model.outcomes if model else 0

    def p_lost(self, month: CustomerMonth) -> float | None:
        """1 − p_renew."""
        model = self.models[month.at]
        return 1 - model.p_renew(month.features) if model else None

    def base_rate(self, month: CustomerMonth) -> float | None:
        """The share that was lost of what had ended."""
        model = self.models[month.at]
        return model.base_rate if model else None


def forecasts(months: Sequence[CustomerMonth], is_lost: Callable[[CustomerMonth], bool]) -> Forecasts:
    return Forecasts(
        {
            at: fit([Outcome(one.features, is_lost(one)) for one in months if one.ended_on <= at])
            for at in sorted({one.at for one in months})
        }
    )
