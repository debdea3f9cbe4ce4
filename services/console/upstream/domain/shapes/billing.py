"""What billing answers. Documents and their lines are of the types that their pages take."""

from msgspec import UNSET, Struct, UnsetType

from services.console.domain.formats import Number
from services.console.invoices.domain.document import Acts, Document, Documents, History, Totals, Trace
from services.console.upstream.domain.shapes.parts import EXCEPTIONS, Day, Instant, Listed, Worth


class Progress(Struct, frozen=True):
    k: str
    done: bool
    holds: bool | None
    taken_at: Instant | None
    seconds: str | None

    def __post_init__(self) -> None:
        if self.done and (self.taken_at is None or self.holds is None):
            raise ValueError("a check that is made, without when and what it found")


class ListedCheck(Struct, frozen=True):
    id: str
    by: str
    state: str
    asked_at: Instant
    done_at: Instant | None
    fault: str | None
    holds: bool | None
    progress: list[Progress]

    def __post_init__(self) -> None:
        if self.state == "done" and (self.done_at is None or self.holds is None):
            raise ValueError("a check that is done, without when and what it found")


class Break(Struct, frozen=True):
    k: str
    fault: str
    table: str
    key: dict[str, str]
    expected: str
    found: str
    says: str
    owner: str
    contract: str | None
    worth: list[Worth]


class Checked(Struct, frozen=True):
    k: str
    says: str
    holds: bool
    figures: dict[str, int]
    amounts: dict[str, dict[str, Number]]
    owner: str
    breaks: list[Break]


class Conservation(Struct, frozen=True):
    breaks_listed: int
    breaks_total: int
    statements: list[Checked]


class Check(ListedCheck, frozen=True, kw_only=True):
    conservation: Conservation | UnsetType = UNSET


class Asked(Struct, frozen=True):
    id: str


class Acceptance(Struct, frozen=True):
    by: str
    at: Instant
    because: str


class SuspendedLine(Struct, frozen=True):
    customer: str | None
    subject: str | None
    type: str
    reason: str
    owner: str
    first_month: str
    last_month: str
    events: int
    value: list[Worth]
    acceptance: Acceptance | None


class SuspenseSummary(Struct, frozen=True):
    suspended: int
    accepted: int
    events: int
    value: list[Worth]
    lines: list[SuspendedLine]
    more: bool


class PlacedEvent(Struct, frozen=True):
    source: str
    id: str
    time: Instant
    value: Worth | None


class Waited(Struct, frozen=True):
    events: int
    unvalued: int
    value: list[Worth]


class WaitedOfOwner(Waited, frozen=True):
    owner: str
    oldest: Day | None


class Pile(WaitedOfOwner, frozen=True):
    place: str
    reason: str


class Change(Struct, frozen=True):
    place: str
    reason: str
    owner: str
    after: Waited
    more: Waited


class WaterfallStep(Struct, frozen=True):
    step: str
    amount: Number
    is_total: bool


class Waterfall(Struct, frozen=True):
    currency: str
    steps: list[WaterfallStep]


class Standing(Struct, frozen=True):
    day: Day | None
    taken_at: Instant | None
    total: Waited
    owners: list[WaitedOfOwner]
    waiting: list[Pile]
    waterfalls: list[Waterfall]
    since: Day | None
    changes: list[Change]

    def __post_init__(self) -> None:
        if self.day and self.taken_at is None:
            raise ValueError("a day, without when it was looked at")


class Numbered(Struct, frozen=True):
    documents: int
    first: str
    last: str


class JournalMonth(Struct, frozen=True):
    unposted: int
    series: list[Numbered]


class ReviewPolicy(Struct, frozen=True):
    version: int
    above: dict[str, Number]
    changed_percent: Number | None
    reason: str
    set_by: str
    set_at: Instant


CHECKS = "/v1/reconciliation/checks"
ANSWERS = {
    **EXCEPTIONS,
    ("GET", "/v1/invoices"): Documents,
    ("GET", "/v1/invoices/{}"): Document,
    ("GET", "/v1/invoices/{}/history"): History,
    ("GET", "/v1/invoices/{}/lines/{}/trace"): Trace,
    ("GET", "/v1/invoices/totals"): Totals,
    ("POST", "/v1/invoices/reviews"): Acts,
    ("GET", CHECKS): Listed[ListedCheck],
    ("GET", f"{CHECKS}/{{}}"): Check,
    ("POST", CHECKS): Asked,
    ("GET", "/v1/reconciliation/suspense"): SuspenseSummary,
    ("GET", "/v1/reconciliation/events"): Listed[PlacedEvent],
    ("GET", "/v1/reconciliation/waiting"): Standing,
    ("GET", "/v1/journal/months/{}"): JournalMonth,
    ("GET", "/v1/review-policy/versions"): Listed[ReviewPolicy],
}
