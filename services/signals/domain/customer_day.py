"""What a daily evaluation of one customer is given, and what it finds. The evaluation is a pure function from
the one to the other."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.signals.domain.fact import Fact
from services.signals.domain.policy import Policy
from services.signals.domain.rollup import Rollup
from services.signals.domain.shown import Document
from services.signals.domain.state import CustomerState
from services.signals.domain.statement import Statement
from shared.pricing.in_force import version_at
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Terms

UNMATCHED = "type:"


@dataclass(frozen=True, slots=True)
class Meter:
    """What signals needs of the catalogue. `adds_up`: what it counts over several days is the sum of the
    days."""

    adds_up: bool
    event_type: str = ""
    role: str | None = None
    heartbeat_s: int | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """A contract as heard: its versions, at least one, oldest first, and its newest statements, whole."""

    contract: str
    versions: Sequence[VersionInForce]
    statements: Sequence[Statement] = ()

    def terms_at(self, instant: datetime) -> Terms:
        """The terms in force; before the first version those of the first."""
        return (version_at(self.versions, instant) or self.versions[0]).terms


@dataclass(frozen=True, slots=True)
class Engagement:
    """Distinct active users, teams and features of the UTC days before an instant; users also of the 30 days
    before the last 30."""

    users_day: int = 0
    users_week: int = 0
    users_month: int = 0
    users_month_before: int = 0
    teams_month: int = 0
    features_month: int = 0
    #: Users who carried the use of the 30 days before the last 30.
    most_active: int = 0
    #: Those of them who have not been seen of late.
    most_active_quiet: int = 0
    # for activation: length of the window in days → distinct users
    users_by_days: Mapping[int, int] = field(default_factory=dict)

    @property
    def stickiness(self) -> Decimal | None:
        """Users of the day ÷ users of the month; None without any."""
        return (
            (Decimal(self.users_day) / self.users_month).quantize(Decimal("0.0001"))
            if self.users_month
            else None
        )

    @property
    def quiet_share(self) -> Decimal | None:
        """Quiet ones ÷ most active users; None where there are too few to say."""
        return (
            (Decimal(self.most_active_quiet) / self.most_active).quantize(Decimal("0.0001"))
            if self.most_active
            else None
        )


@dataclass(frozen=True, slots=True)
class Customer:
    """Everything that was heard of one customer."""

    customer_id: str
    customer: str
    timezone: str
    rollups: Mapping[str, Rollup]
    meters: Mapping[str, Meter]
    contracts: Sequence[Contract]

    def midnight(self, day: date) -> datetime:
        """The instant at which a local day begins."""
        return datetime.combine(day, time(), ZoneInfo(self.timezone))

    def matched(self) -> dict[str, Rollup]:
        return {meter: rollup for meter, rollup in self.rollups.items() if not meter.startswith(UNMATCHED)}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a customer as `day` begins, and the policy that says what it means."""

    customer: Customer
    day: date
    engagement: Engagement | None
    policy: Policy

    @property
    def began(self) -> datetime:
        """The instant at which the day begins."""
        return self.customer.midnight(self.day)

    @property
    def yesterday(self) -> date:
        """The last whole day."""
        return self.day - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a renewal ended, as far as the contract itself says it."""

    contract: str
    term_end: date
    outcome: str  # renewed | churned


@dataclass(frozen=True, slots=True)
class Found:
    """An evaluation's result: the values as a document, facts to tell, outcomes to record, the state to
    keep."""

    document: Document
    facts: list[Fact]
    outcomes: list[Outcome]
    state: CustomerState
