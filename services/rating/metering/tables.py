"""Tables of metering. Columns are a contract with pricing (marks, readings) and with the conservation checker
(all of them).

Aggregates stand for all stored events minus voided ones:
- `usage_hours` and `usage_days` hold meters whose aggregation adds up (value = Σ; count: value = events)
  and, under the meter name `type:<event type>`, plain counts of types that no meter takes. Their rows are
  never deleted: after voids one may stand at 0.
- a meter whose aggregation is over items lives in `usage_uniques` alone (item → how many unvoided events
  carry it; the row goes when that is 0).
- `grp` is canonical JSON of the meter's dimensions (keys sorted, no spaces, values as strings, "" where
  absent), `{}` without
  dimensions, and `{"other":"true"}` for groups beyond the limit of a meter, subject and UTC month. A group
  counts as itself where it has its row in `admitted_groups` and in `other` where not. While a meter's month
  has few groups its rows have the subject '' and stand for every subject; once there is a row ('', other)
  each subject has rows of its own, and one of `other` when something was turned away. Texts longer than 128
  bytes stand as "sha256:<hex>", in groups and items.
- an event whose value a meter cannot read adds nothing to that meter, not even an event.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.rating.catalogue.tables import NAME
from shared.db.tables import INSTANT


def add_metering_tables(metadata: MetaData) -> None:
    _add_events(metadata)
    _add_aggregates(metadata)
    _add_marks(metadata)


def _add_events(metadata: MetaData) -> None:
    # The truth of deduplication; never pruned inside the accept horizon.
    Table(
        "event_keys",
        metadata,
        Column("key", LargeBinary, primary_key=True),  # first 16 bytes of SHA-256(source, NUL, id)
        Column("body_hash", LargeBinary, nullable=False),  # 16 bytes
        Column("batch_id", BigInteger, nullable=False),
        Column("seq", Integer, nullable=False),  # place in its batch
        postgresql_partition_by="HASH (key)",
    )
    Table(
        "events",
        metadata,  # immutable
        Column("batch_id", BigInteger, nullable=False),
        Column("seq", Integer, nullable=False),
        Column("partition", SmallInteger, nullable=False),
        Column("received_at", INSTANT, nullable=False),  # machine clock
        Column("key", LargeBinary, nullable=False),
        Column("source", Text, nullable=False),
        Column("id", Text, nullable=False),
        Column("type", NAME, nullable=False),
        Column("subject", NAME, nullable=False),
        Column("time", INSTANT, nullable=False),
        Column("data", JSONB, nullable=False),
        Index("events_batch", "batch_id", "seq"),
        Index("events_subject", "subject", "type", "time"),
        postgresql_partition_by="RANGE (received_at)",
    )
    # In force for its key, also before its event comes.
    Table(
        "voids",
        metadata,
        Column("key", LargeBinary, primary_key=True),
        Column("source", Text, nullable=False),
        Column("id", Text, nullable=False),
        Column("batch_id", BigInteger, nullable=False),
        Column("partition", SmallInteger, nullable=False),
        Column("received_at", INSTANT, nullable=False),
        Column("event_batch_id", BigInteger),  # null until its event exists
        Column("event_seq", Integer),
        Index("voids_waiting", "key", postgresql_where=text("event_batch_id is null")),
    )
    # Same (source, id), other body: the first stands (in events), this one was refused.
    Table(
        "conflicts",
        metadata,
        Column("batch_id", BigInteger, primary_key=True),
        Column("seq", Integer, primary_key=True),
        Column("key", LargeBinary, nullable=False),
        Column("source", Text, nullable=False),
        Column("id", Text, nullable=False),
        Column("first_body_hash", LargeBinary, nullable=False),
        Column("body", JSONB, nullable=False),  # {"type", "subject", "time_us", "data", "body_hash"}
        Column("received_at", INSTANT, nullable=False),
        Index("conflicts_key", "key"),
    )
    # Further deliveries of a stored event or void, for "what became of it?".
    Table(
        "duplicates",
        metadata,
        Column("batch_id", BigInteger, primary_key=True),
        Column("seq", Integer, primary_key=True),
        Column("key", LargeBinary, nullable=False),
        Column("received_at", INSTANT, nullable=False),
        Index("duplicates_key", "key"),
    )
    # Every type that was ever stored: whether a new meter has anything to back-fill.
    Table(
        "event_types",
        metadata,
        Column("type", NAME, primary_key=True),
    )
    # Per partition of usage.events, for a statement's watermark_us.
    Table(
        "newest_received",
        metadata,
        Column("partition", SmallInteger, primary_key=True, autoincrement=False),
        Column("received_at", INSTANT, nullable=False),
    )


def _add_aggregates(metadata: MetaData) -> None:
    for name, bucket, kind in (("usage_hours", "hour", INSTANT), ("usage_days", "day", Date())):
        Table(
            name,
            metadata,
            Column("subject", NAME, nullable=False),
            Column("meter", NAME, nullable=False),
            Column("grp", NAME, nullable=False),
            Column(bucket, kind, nullable=False),
            Column("events", BigInteger, nullable=False),
            Column(
                "value", Numeric, CheckConstraint("value <> 'NaN' and scale(value) <= 12"), nullable=False
            ),
            # a day of a subject and meter is one run of neighbours
            PrimaryKeyConstraint("subject", "meter", bucket, "grp"),
        )
    Table(
        "usage_uniques",
        metadata,
        Column("subject", NAME, nullable=False),
        Column("meter", NAME, nullable=False),
        Column("grp", NAME, nullable=False),
        Column("hour", INSTANT, nullable=False),
        Column("item", NAME, nullable=False),
        Column("events", Integer, nullable=False),
        PrimaryKeyConstraint("subject", "meter", "hour", "grp", "item"),
    )
    _add_admission(metadata)


def _add_admission(metadata: MetaData) -> None:
    Table(
        "admitted_groups",
        metadata,  # never deleted
        Column("meter", NAME, primary_key=True),
        # `counts_since` of the terms the groups were made by
        Column("meter_revision", BigInteger, primary_key=True),
        Column("month", Date, primary_key=True),  # UTC, its first day
        Column("subject", NAME, primary_key=True),
        Column("grp", NAME, primary_key=True),
        # the batch that brought it; of `other`: or the newest naming reckoned with
        Column("since_batch", BigInteger, nullable=False),
    )
    # Every limit that gave room to a row.
    Table(
        "group_limits",
        metadata,
        Column(
            "groups_max", Integer, CheckConstraint("groups_max > 0"), primary_key=True, autoincrement=False
        ),
        Column("since", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    )
    # Values that prices name: always admitted. Written by contracts.
    Table(
        "named_values",
        metadata,
        Column("meter", NAME, primary_key=True),
        Column("dimension", NAME, primary_key=True),
        Column("value", NAME, primary_key=True),  # as a group has it
        Column("since_batch", BigInteger, nullable=False),  # batches with smaller numbers did not know it
    )
    # A subject's months in which named values may still stand in `other`.
    Table(
        "recounts",
        metadata,
        Column("meter", NAME, primary_key=True),
        Column("subject", NAME, primary_key=True),
        Column("month", Date, primary_key=True),
        Column("asked_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    )


def _add_marks(metadata: MetaData) -> None:
    # What must be priced again; pricing deletes them.
    Table(
        "marks",
        metadata,
        Column("mark_id", BigInteger, Identity(always=True), primary_key=True),
        Column("subject", NAME, nullable=False),
        Column("day", Date, nullable=False),  # UTC
        Column("marked_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        # a person changed what counts, and waits for it
        Column("at_once", Boolean, nullable=False, server_default=text("false")),
    )
    # What rating.activity must tell again: append here, coalesce in activity_due.
    Table(
        "activity_marks",
        metadata,
        Column("subject", NAME, nullable=False),
        Column("day", Date, nullable=False),  # UTC
        Column("type", NAME, nullable=False, server_default=text("''")),  # event type; '' for all of them
    )
    Table(
        "activity_due",
        metadata,
        Column("subject", NAME, primary_key=True),
        Column("day", Date, primary_key=True),
        Column("type", NAME, primary_key=True),
        Column("since", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    )
