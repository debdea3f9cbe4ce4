"""A month whose periods are closed: those whose last day is in it."""

from dataclasses import dataclass
from datetime import date, timedelta

from shared.values.period import month_after


@dataclass(frozen=True, slots=True)
class Month:
    """Called by its first day."""

    first: date

    @property
    def name(self) -> str:
        """As an address and the services call it: "2013-12"."""
        return f"{self.first:%Y-%m}"

    @property
    def before(self) -> "Month":
        return Month((self.first - timedelta(days=1)).replace(day=1))

    @property
    def after(self) -> "Month":
        return Month(month_after(self.first))

    @property
    def ends(self) -> dict[str, str]:
        """What narrows a list of documents to the periods that end in it."""
        last = self.after.first - timedelta(days=1)
        return {"ends_from": self.first.isoformat(), "ends_to": last.isoformat()}
