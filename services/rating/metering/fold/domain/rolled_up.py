"""Which days are rolled up. A pass goes over the subjects by number, and rolls up all of a subject's days at
once."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

OVER_FOR = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class RolledUp:
    """Days before `rolling` for subjects up to number `subject`, days before `before` for the others. Between
    passes both are the same, and `subject` is 0."""

    before: date
    rolling: date
    subject: int

    def covers(self, subject: int, day: date) -> bool:
        return day < (self.rolling if subject <= self.subject else self.before)

    @property
    def passing(self) -> bool:
        """Whether a pass is under way."""
        return self.rolling != self.before


def over_before(newest: datetime, now: datetime) -> date:
    """The first UTC day that is not over: a day is two hours after its end, both by the newest event and by the
    business clock."""
    return (min(newest, now) - OVER_FOR).date()
