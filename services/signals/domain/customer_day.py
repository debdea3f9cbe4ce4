"""What a daily evaluation of one customer is given, and what it finds. The evaluation is a pure function from
the one to the other."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from services.signals.domain.fact import Fact
from services.signals.domain.outcomes import Term
from services.signals.domain.policy import Policy
from services.signals.domain.renewal_model import RenewalModel
from services.signals.domain.rollup import Rollup
from services.signals.domain.shown import Document
from services.signals.domain.stake import Stake, Worth, of_all
from services.signals.domain.state import CustomerState
from services.signals.domain.statement import Statement
from shared.pricing.in_force import version_at
from shared.pricing.inputs import VersionInForce
from shared.pricing.language import Terms

UNMATCHED = "type:"
MONTH_DAYS = 30


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
    #: Users of each day of the last 30, added up.
    user_days_month: int = 0
    teams_month_before: int = 0
    features_month_before: int = 0

    @property
    def stickiness(self) -> Decimal | None:
        """Users of a mean day of the month ÷ users of the month; None without any."""
        mean = Decimal(self.user_days_month) / MONTH_DAYS
        return (mean / self.users_month).quantize(Decimal("0.0001")) if self.users_month else None

    def depth_change(self, items_min: int) -> Decimal | None:
        """Of teams and of features those of the last 30 days ÷ those of the 30 before − 1, whichever fell more; None
        where before there were fewer than `items_min` of either."""
        return min(
            (
                (Decimal(now) / before - 1).quantize(Decimal("0.0001"))
                for now, before in (
                    (self.teams_month, self.teams_month_before),
                    (self.features_month, self.features_month_before),
                )
                if before >= items_min
            ),
            default=None,
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

    @property
    def tells_of_users(self) -> bool:
        """Whether the catalogue counts users, teams or features."""
        return bool(self.types_of_users)

    @property
    def types_of_users(self) -> set[str]:
        """The event types of which users, teams or features are counted."""
        return {meter.event_type for meter in self.meters.values() if meter.role and meter.role != "login"}

    def event_types_of(self, meters: Iterable[str]) -> set[str]:
        """The event types of those that the catalogue knows."""
        return {self.meters[meter].event_type for meter in meters if meter in self.meters}

    def matched(self) -> dict[str, Rollup]:
        return {meter: rollup for meter, rollup in self.rollups.items() if not meter.startswith(UNMATCHED)}


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a customer as `day` begins, and the policy that says what it means."""

    customer: Customer
    day: date
    engagement: Engagement | None
    policy: Policy
    #: None while it is not known.
    stake: Stake | None = None
    #: Learned from outcomes; None before the first.
    renewal_model: RenewalModel | None = None
    #: Event type → the last day its producer was seen, where that has fallen silent for this customer among many.
    producers: Mapping[str, date] = field(default_factory=dict)

    @property
    def began(self) -> datetime:
        """The instant at which the day begins."""
        return self.customer.midnight(self.day)

    @property
    def worth(self) -> Worth | None:
        """What the customer settled in twelve months; None while that is not known."""
        return of_all(self.stake) if self.stake is not None else None

    @property
    def heard(self) -> Engagement | None:
        """The engagement, where it says something of the customer: while the producer is silent nobody hears of users."""
        is_silent = self.producers and self.producers.keys() & self.customer.types_of_users
        return None if is_silent else self.engagement

    @property
    def yesterday(self) -> date:
        """The last whole day."""
        return self.day - timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Found:
    """An evaluation's result: the values as a document, facts to tell, terms that ended, the state to
    keep."""

    document: Document
    facts: list[Fact]
    ended: list[Term]
    state: CustomerState
