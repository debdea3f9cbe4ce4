"""Tables of the catalogue."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.rating.metering.domain.aggregations.offered import AGGREGATIONS
from shared.db.tables import INSTANT

NAME = Text(collation="C")  # compared by bytes: keys of wide indexes
_AGGREGATIONS = ", ".join(f"'{name}'" for name in AGGREGATIONS)


def add_catalogue_tables(metadata: MetaData) -> None:
    Table(
        "meters",
        metadata,
        Column("meter", NAME, primary_key=True),
        Column("revision", BigInteger, nullable=False),
        Column("event_type", NAME, nullable=False),
        Column("aggregation", Text, CheckConstraint(f"aggregation in ({_AGGREGATIONS})"), nullable=False),
        Column("field", Text),  # data field (dotted path), where the aggregation reads one
        Column("missing", Text, CheckConstraint("missing in ('quarantine', 'ignore')"), nullable=False),
        Column("group_by", ARRAY(Text), nullable=False),  # sorted
        Column("filters", JSONB, nullable=False),  # {"field": ["accepted", "values"]}
        Column("list_currency", String(3)),
        Column("list_unit", Numeric),
        Column("role", Text),
        Column("heartbeat_s", Integer),
        Column("created_at", INSTANT, nullable=False),  # business clock
        # false while events older than the meter are still being added
        Column("backfilled", Boolean, nullable=False),
        # revision of the oldest terms that count as these do
        Column("counts_since", BigInteger, nullable=False),
        # an event is worth one list price
        Index("meters_list_price", "event_type", unique=True, postgresql_where=text("list_unit is not null")),
    )
    Table(
        # Every version of a meter, whole, for good. A version counts all of history: it has no day from which
        # it is in force.
        "meter_versions",
        metadata,
        Column("meter", NAME, primary_key=True),
        Column("revision", BigInteger, primary_key=True),
        Column("event_type", NAME, nullable=False),
        Column("aggregation", Text, nullable=False),
        Column("field", Text),
        Column("missing", Text, nullable=False),
        Column("group_by", ARRAY(Text), nullable=False),
        Column("filters", JSONB, nullable=False),
        Column("list_currency", String(3)),
        Column("list_unit", Numeric),
        Column("role", Text),
        Column("heartbeat_s", Integer),
        Column("cut", JSONB, nullable=False),  # {"partition": last batch id before the version}
        # as in meters: the groups it counted by have rows of this revision
        Column("counts_since", BigInteger, nullable=False),
        Column("recorded_at", INSTANT, nullable=False),  # business clock
        Column("stamped_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    )
    # One row: consumers compare it with their cached catalogue, once a batch.
    Table(
        "catalogue_state",
        metadata,
        Column("one", Boolean, CheckConstraint("one"), primary_key=True, server_default=text("true")),
        Column("revision", BigInteger, nullable=False, server_default=text("0")),
    )
    # One row a meter that met stored events; kept when finished.
    Table(
        "backfills",
        metadata,
        Column("meter", NAME, ForeignKey("rating.meters.meter"), primary_key=True),
        # {"partition": last batch id before the meter}: the job's share ends here
        Column("cut", JSONB, nullable=False),
        Column("cursor_batch_id", BigInteger, nullable=False, server_default=text("0")),
        Column("cursor_seq", Integer, nullable=False, server_default=text("-1")),
        Column("started_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        Column("finished_at", INSTANT),
    )
    # The days a running back-fill found usage on: marked when it ends, whatever is left.
    Table(
        "backfill_days",
        metadata,
        Column("meter", NAME, ForeignKey("rating.backfills.meter"), primary_key=True),
        Column("subject", NAME, primary_key=True),
        Column("day", Date, primary_key=True),  # UTC
    )
    Table(
        "plans",
        metadata,
        Column("plan", Text, primary_key=True),
        Column("revision", BigInteger, nullable=False),
        Column("document", JSONB, nullable=False),
    )
