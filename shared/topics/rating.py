"""What rating says: the catalogue, customers, contract versions, statements and activity."""

from decimal import Decimal
from typing import Any

import msgspec

from shared.topics.registry import Key, Topic, TopicKind, fields

#: What messages of before say by the name of the aggregation alone: whether it adds up, whether it takes
#: numbers.
_SAID_BY_NAME = {"count": (True, False), "sum": (True, True), "unique": (False, False)}
#: The occasion of the statement that every period has: what the period comes to.
PERIOD = "period"
#: What occasions of corrections begin with, their number after it: note:1, note:2, …
NOTE = "note:"


class MeterMessage(msgspec.Struct, frozen=True):
    """A meter of the catalogue: how events of one type become a quantity."""

    meter: str  # its key, e.g. departures
    revision: int
    event_type: str
    aggregation: str  # count | sum | unique
    field: str | None  # data field (dotted path) of sum and unique
    missing: str  # quarantine | ignore
    group_by: tuple[str, ...]
    filters: dict[str, tuple[str, ...]]  # data field → accepted values; all must match
    list_price: dict[str, str] | None  # {"currency": "USD", "unit": "100.00"}
    role: str | None  # user | team | feature (unique) | login (count)
    heartbeat_s: int | None = None
    additive: bool | None = None  # None: a message of before
    numeric: bool | None = None  # None: a message of before

    @property
    def adds_up(self) -> bool:
        """Whether the quantity of a whole is the sum of its parts."""
        return _SAID_BY_NAME[self.aggregation][0] if self.additive is None else self.additive

    @property
    def takes_numbers(self) -> bool:
        """Whether what `field` holds must be a number; else it is any text, number or boolean."""
        return _SAID_BY_NAME[self.aggregation][1] if self.numeric is None else self.numeric


class CustomerMessage(msgspec.Struct, frozen=True):
    """A customer. Events match it when their subject is `external_id` or one of the aliases."""

    customer_id: str  # cus_…
    revision: int
    external_id: str
    name: str
    aliases: tuple[str, ...]
    legal_entity: str
    timezone: str


class ContractVersion(msgspec.Struct, frozen=True):
    version: int  # 1, 2, …
    effective_us: int
    recorded_us: int  # business clock
    content_hash: str
    terms: dict[str, Any]  # the document as validated, decimals as strings


class ContractVersionMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """One version of a contract, and how many its chain had when this was said. A chain counts up to its last
    version without a gap."""

    contract: str  # the document's own name, e.g. acme-2026
    revision: int  # of the contract, when this was said
    customer_id: str
    customer: str  # external id
    #: Messages of before: the whole chain in one, oldest first.
    versions: tuple[ContractVersion, ...] = ()
    chain: int = 0  # how many versions there are
    version: ContractVersion | None = None

    @property
    def said(self) -> tuple[ContractVersion, ...]:
        """The versions it tells of: one, or all of them in a message of before."""
        return self.versions if self.version is None else (self.version,)

    @property
    def count(self) -> int:
        """The length of the whole chain."""
        return self.chain or len(self.versions)


class StatementSegment(msgspec.Struct, frozen=True, omit_defaults=True):
    """One priced piece of a line: a span with one version of the clause, and one group of the meter's
    dimensions."""

    start_us: int
    end_us: int
    version: int
    clause_hash: str
    quantity: Decimal
    allowance: Decimal  # units covered by the included allowance
    priced: Decimal  # units − allowance − unpriced = Σ tier quantities
    # exact amount before settlement (its split may be notional; Σ over the line is what settles)
    exact: Decimal
    group: dict[str, str] = {}
    unpriced: Decimal = Decimal(0)  # units that terms leave without a price
    converted: Decimal | None = (
        None  # the units, where the line converts its quantity; else they are the quantity
    )


class LineDraw(msgspec.Struct, frozen=True, omit_defaults=True):
    """What of a line is paid from a balance, so that its document asks for so much less."""

    block: str  # its id
    kind: str  # prepaid | promotional | commitment | roll_over | shortfall
    amount_minor: int  # below zero: returned to the block
    #: What was paid for it, where the block was sold below its amount, once the statement is final. None: as much.
    cost_minor: int | None = None

    @property
    def given_minor(self) -> int:
        """What of it nobody paid for, of a block that was sold."""
        return 0 if self.cost_minor is None else self.amount_minor - self.cost_minor


class StatementLine(msgspec.Struct, frozen=True, omit_defaults=True):
    """A settled line. `line_id` is derived (uuid5), so a replay yields the same. Segments travel with a final
    statement alone."""

    line_id: str
    key: str
    clause_id: str
    version: int
    clause_hash: str
    kind: str  # usage | recurring | minimum
    quantity: Decimal
    amount_minor: int
    meter: str | None = None
    description: str = ""
    segments: tuple[StatementSegment, ...] = ()
    draws: tuple[LineDraw, ...] = ()


class StatementStep(msgspec.Struct, frozen=True, omit_defaults=True):
    """A step of pricing, as data: an operation, the clauses it rests on (its own first), what went in by name, and what
    came out. `shared/pricing/explanation/step.py` says which inputs an operation has, and what it does with them."""

    op: str
    clauses: tuple[str, ...]
    inputs: dict[str, Any]  # decimals as text
    output: Decimal
    amount: Decimal | None = None  # what it adds to the line, in currency units; None: it only moves units


Explanation = dict[str, tuple[StatementStep, ...]]
"""Line id → the steps that lead to its amount, in order."""


class CorrectedOccasion(msgspec.Struct, frozen=True):
    """A line of an older document of the same contract and period, which is known by its occasion."""

    occasion: str
    line_id: str


class AskedLine(StatementLine, frozen=True, omit_defaults=True):
    """What a document asks for of a line beyond what earlier ones of its period asked: amount, quantity and draws are
    differences. A line of which parts are taken back from several documents comes once for each."""

    corrects: CorrectedOccasion | None = None  # None: no earlier document has the line


class EventName(msgspec.Struct, frozen=True):
    """An event, by what its producer calls it."""

    source: str
    id: str


class StatementHeld(msgspec.Struct, frozen=True, omit_defaults=True):
    """Why a period cannot be priced now. Its statement repeats the last revision that could be, or says
    nothing yet: it is not whole."""

    reason: str  # pricing_failed
    since_us: int  # business clock
    exception: str  # exc_… of rating, which says the same
    owner: str
    detail: str
    #: How many events are in the way; None where it is not single events that are.
    events: int | None = None
    named: tuple[EventName, ...] = ()  # the first few of them


class StatementMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """Contract × service period × occasion, whole. A newer revision replaces the older; a line not in it is
    gone."""

    statement_id: (
        str  # derived: uuid5 of contract, period start and, where it is another than `period`, occasion
    )
    revision: int  # max(previous + 1, machine clock in µs)
    contract: str
    customer_id: str
    customer: str  # external id
    legal_entity: str
    currency: str
    timezone: str
    period_start_us: int
    period_end_us: int  # exclusive
    period_start_date: str  # local ISO dates, both inclusive
    period_end_date: str
    lines: tuple[StatementLine, ...]
    subtotal_minor: int
    watermark: dict[str, int]  # usage.events partition → last batch id covered
    watermark_us: int  # newest received_us covered (machine clock)
    final: bool
    priced_us: int  # business clock
    close_due_us: int  # period end + grace
    net_days: int
    contract_versions: tuple[int, ...]  # versions in force within the period
    skip_zero_invoices: bool = False
    #: Over 500 lines a statement travels in pages and is swapped in when complete.
    page: int = 1
    pages: int = 1
    #: For signals: included, minimum_minor and what of them is used.
    consumption: dict[str, str] = {}
    #: The meters it counts → the revision of the version it counted by.
    meters: dict[str, int] = {}
    # set: the lines are those of an older revision, and the period is on hold
    held: StatementHeld | None = None
    occasion: str = PERIOD  # why the period is told: one document a contract, period and occasion
    block: str = ""  # which its document asks for, of what is asked for beforehand
    #: Travels with a final statement alone. None: a draft, or a statement that was final before steps were kept.
    explanation: Explanation | None = None
    #: Of a correction: what its document asks for, where `lines` are what the whole period comes to.
    asked: tuple[AskedLine, ...] = ()

    @property
    def is_correction(self) -> bool:
        return self.occasion.startswith(NOTE)

    @property
    def is_whole(self) -> bool:
        """Whether its lines are what the period comes to: that of the period itself, and each correction after it."""
        return self.occasion == PERIOD or self.is_correction

    @property
    def document_lines(self) -> tuple[StatementLine, ...]:
        """The lines of its document."""
        return self.asked if self.is_correction else self.lines

    @property
    def document_minor(self) -> int:
        """What they sum to, before draws."""
        return sum([line.amount_minor for line in self.asked]) if self.is_correction else self.subtotal_minor

    @property
    def drawn_minor(self) -> int:
        """What of the lines of its document is paid from balances."""
        return sum(draw.amount_minor for line in self.document_lines for draw in line.draws)


class ActivityMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """What one subject did on one meter (or unmatched type) on one UTC day, by hour. Replaces the older,
    whole. Nobody says it any more: hours are told by `rating.active_hours`."""

    subject: str
    meter: str  # meter key, or "type:<event type>" where no meter takes it
    day: str  # UTC date
    revision: int
    hours: dict[str, tuple[int, str]]  # "0".."23" → (events, value)
    customer_id: str | None = None
    customer: str | None = None
    last_seen_us: int = 0
    values: tuple[str, ...] = ()  # a meter with a role: hashed values of the day


class ActiveHour(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """What a subject did on one meter in one hour. Replaces the older, whole."""

    meter: str  # meter key, or "type:<event type>" where no meter takes it
    start_us: int  # UTC
    events: int  # those that are void left out
    value: str  # what they come to, a decimal
    last_seen_us: int  # the newest event's time


class DayValues(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """Which users, teams or features a meter with a role saw of a subject on one UTC day. Replaces the older,
    whole."""

    meter: str
    day: str  # UTC date
    values: tuple[str, ...]  # hashed
    last_seen_us: int


class SubjectActivity(msgspec.Struct, frozen=True, omit_defaults=True, gc=False):
    """Hours and days of one subject, and the customer it means."""

    subject: str
    customer_id: str | None = None
    customer: str | None = None
    hours: tuple[ActiveHour, ...] = ()
    days: tuple[DayValues, ...] = ()


class ActiveHoursMessage(msgspec.Struct, frozen=True):
    """A part of what one fold changed, of many subjects. Of two that tell of the same subject, meter and hour (or
    day) the one with the higher revision is the newer, whatever else they tell of."""

    id: str  # revision and part
    revision: int
    subjects: tuple[SubjectActivity, ...]


class BlockRowMessage(msgspec.Struct, frozen=True, omit_defaults=True):
    """A change of a block's balance that stays as it is. What statements draw and return is told with them, and what
    they hand on from one block to another as they become final."""

    row: int
    block: str  # its id
    kind: str  # grant | expiry | revived | void | refund | adjustment
    amount_minor: int  # what it adds
    block_kind: str  # prepaid | promotional | commitment | roll_over | shortfall
    contract: str  # of the statement that made it, or the first that draws on the block
    customer_id: str
    customer: str  # external id
    currency: str
    at_us: int  # when it counts from
    recorded_us: int  # business clock
    cause: str
    asked_for: bool = False  # documents ask for it
    period_start_us: int | None = None  # of the statement that made it
    carried_from: str | None = None  # the block that has given up `carried_minor` of it
    carried_minor: int = 0
    unasked_minor: int = (
        0  # of a lapse, or of what is taken back of one: what no document asked for, never owed
    )
    #: What was paid for what it adds, of a block that was sold below its amount; what is carried and not asked for is then
    #: at cost, too. None: as much as it adds.
    cost_minor: int | None = None


CONTRACT = fields("contract")
CUSTOMER_OR_SUBJECT = Key(
    "customer or subject", lambda message: (message.customer or message.subject).encode()
)

CATALOGUE_METERS = Topic(
    "catalogue.meters",
    MeterMessage,
    TopicKind.SNAPSHOT,
    fields("meter"),
    "rating",
    ("usage_ingest", "signals"),
    identified_by=fields("meter"),
    partitions=1,
)
CUSTOMERS = Topic(
    "customers.customers",
    CustomerMessage,
    TopicKind.SNAPSHOT,
    fields("customer_id"),
    "rating",
    ("usage_ingest", "billing", "signals"),
    identified_by=fields("customer_id"),
    partitions=1,
)
CONTRACTS = Topic(
    "contracts.versions",
    ContractVersionMessage,
    TopicKind.SNAPSHOT,
    CONTRACT,
    "rating",
    ("billing", "signals"),
    identified_by=Key("contract, version", fields("contract", "version.version").of),
)
STATEMENTS = Topic(
    "rating.statements",
    StatementMessage,
    TopicKind.SNAPSHOT,
    CONTRACT,
    "rating",
    ("billing", "signals"),
    identified_by=fields("statement_id", "page"),
)
ACTIVITY = Topic(
    "rating.activity",
    ActivityMessage,
    TopicKind.SNAPSHOT,
    CUSTOMER_OR_SUBJECT,
    "rating",
    ("signals",),
    identified_by=fields("subject", "meter", "day"),
)
ACTIVE_HOURS = Topic(
    "rating.active_hours",
    ActiveHoursMessage,
    TopicKind.FACT,
    fields("id"),
    "rating",
    ("signals",),
)
BLOCK_ROWS = Topic(
    "rating.block_rows",
    BlockRowMessage,
    TopicKind.FACT,
    fields("block"),
    "rating",
    ("billing",),
)
