"""Tables of metering. Columns are a contract with pricing (marks, readings) and with the conservation checker
(all of them).

Aggregates stand for all events up to the watermark of `fold_state`, minus those voided up to it:
- a metered batch leaves one row of `usage_deltas` (domain/delta.py); a fold adds it to the packed rows and moves
  the watermark past it.
- `usage_packed_hours` has a row a (subject, UTC hour), `usage_packed_days` one a (subject, UTC day) that is rolled
  up: `day` is less than `rolling_before` for subjects up to `rolling_subject`, less than `rolled_before` for the
  others. Element n of each array belongs to the series `series[n]`; the value is `vals[n]` in units of 10^-scale,
  or `wide[n]` in rows where a number would not fit. `usage_items` keeps items.
- a series is a group as a meter counts it since a revision (`counts_since`); 0 for types that no meter takes.
  `series_read` says which series of a meter readers see.
- who writes packed rows raises the epoch of `fold_state` first, and so holds it until the transaction ends.
- `usage_hours`, `usage_days` and `usage_uniques` are views of all that by name: (subject, meter, grp, hour | day,
  [item,] events, value). `old_usage_…` is what was added up by rows before there were folds.
- `usage_hours` and `usage_days` show meters whose aggregation adds up (value = Σ; count: value = events)
  and, under the meter name `type:<event type>`, plain counts of types that no meter takes. Their rows are
  never deleted: after voids one may stand at 0.
- a meter whose aggregation is over items shows in `usage_uniques` alone (item → how many unvoided events
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
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.rating.catalogue.tables import NAME
from shared.db.tables import INSTANT

_FAR_PAST = text("date '0001-01-02'")


def add_metering_tables(metadata: MetaData) -> None:
    _add_events(metadata)
    _add_names(metadata)
    _add_fold(metadata)
    _add_packed(metadata)
    _add_old_aggregates(metadata)
    _add_admission(metadata)
    _add_marks(metadata)
    _add_candidates(metadata)


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
    # When each batch was metered, by the business clock; those of before it was noted are missing.
    Table(
        "batch_times",
        metadata,
        Column("partition", SmallInteger, primary_key=True, autoincrement=False),
        Column("at", INSTANT, primary_key=True),
        Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
    )
    # Every type that was ever stored: whether a new meter has anything to back-fill.
    Table(
        "event_types",
        metadata,
        Column("type", NAME, primary_key=True),
    )


def _add_names(metadata: MetaData) -> None:
    # Numbered with the first event; never deleted.
    Table(
        "usage_subjects",
        metadata,
        Column("subject_no", BigInteger, Identity(always=True), primary_key=True),
        Column("subject", NAME, nullable=False),
        UniqueConstraint("subject", name="usage_subjects_subject"),
    )
    Table(
        "usage_series",
        metadata,
        Column("series_no", BigInteger, Identity(always=True), primary_key=True),
        Column("meter", NAME, nullable=False),
        # `counts_since` of the terms it is counted by
        Column("since", BigInteger, nullable=False),
        Column("grp", NAME, nullable=False),
        UniqueConstraint("meter", "since", "grp", name="usage_series_name"),
    )
    # Which terms readers see; a `type:x` has a row while no meter takes x.
    Table(
        "series_read",
        metadata,
        Column("meter", NAME, primary_key=True),
        Column("since", BigInteger, nullable=False),
    )
    # Terms over items that were replaced: once nobody reads their items, these are removed.
    Table(
        "replaced_terms",
        metadata,
        Column("meter", NAME, primary_key=True),
        Column("since", BigInteger, primary_key=True, autoincrement=False),
        # number of the last subject that is done with
        Column("after", BigInteger, nullable=False, server_default=text("0")),
    )


def _add_fold(metadata: MetaData) -> None:
    Table(
        "usage_deltas",
        metadata,  # one a metered batch, until it is folded
        Column("partition", SmallInteger, primary_key=True, autoincrement=False),
        Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
        Column("body", LargeBinary, nullable=False),
    )
    Table(
        "fold_state",
        metadata,  # one row
        Column("one", Boolean, CheckConstraint("one"), primary_key=True, server_default=text("true")),
        Column("epoch", BigInteger, nullable=False, server_default=text("0")),
        # {"partition": last batch id of usage.events that is folded}
        Column("watermark", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
        Column("received_at", INSTANT),  # when the newest event that is folded was received
        # the latest hour of which an event is folded
        Column("newest_hour", INSTANT),
        Column("rolled_before", Date, nullable=False, server_default=_FAR_PAST),
        Column("rolling_before", Date, nullable=False, server_default=_FAR_PAST),
        Column("rolling_subject", BigInteger, nullable=False, server_default=text("0")),
        Column("folded_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    )


def _add_packed(metadata: MetaData) -> None:
    for name, bucket, kind in (("usage_packed_hours", "hour", INSTANT), ("usage_packed_days", "day", Date())):
        Table(
            name,
            metadata,
            Column("subject_no", BigInteger, primary_key=True, autoincrement=False),
            Column(bucket, kind, primary_key=True),
            Column("scale", SmallInteger, CheckConstraint("scale between 0 and 12"), nullable=False),
            Column("series", ARRAY(BigInteger), nullable=False),
            Column("events", ARRAY(BigInteger), nullable=False),
            Column("vals", ARRAY(BigInteger)),
            Column("wide", ARRAY(Numeric)),
        )
    Table(
        "usage_items",
        metadata,  # how many events that are not void carry the item; the row goes when that is 0
        Column("subject_no", BigInteger, primary_key=True, autoincrement=False),
        Column("series_no", BigInteger, primary_key=True, autoincrement=False),
        Column("hour", INSTANT, primary_key=True),
        Column("item", NAME, primary_key=True),
        Column("events", BigInteger, nullable=False),
    )


def _add_old_aggregates(metadata: MetaData) -> None:
    for name, bucket, kind in (("old_usage_hours", "hour", INSTANT), ("old_usage_days", "day", Date())):
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
        "old_usage_uniques",
        metadata,
        Column("subject", NAME, nullable=False),
        Column("meter", NAME, nullable=False),
        Column("grp", NAME, nullable=False),
        Column("hour", INSTANT, nullable=False),
        Column("item", NAME, nullable=False),
        Column("events", Integer, nullable=False),
        PrimaryKeyConstraint("subject", "meter", "hour", "grp", "item"),
    )


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
    # Subjects that rating.activity tells again.
    Table(
        "activity_due",
        metadata,
        Column("subject", NAME, primary_key=True),
        # told up to this UTC day
        Column("after", Date, nullable=False, server_default=text("'-infinity'::date")),
        Column("since", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    )


def _add_candidates(metadata: MetaData) -> None:
    # Subjects of which some event may be in suspense; of all others, those that a mark names aside, none is.
    Table(
        "suspense_candidates",
        metadata,
        Column("subject", NAME, primary_key=True),
        Column("looked_at", INSTANT, nullable=False, server_default=text("'-infinity'")),  # machine clock
        # of whoever looks whether anything waits, and removes it where nothing does; null once it was noted since
        Column("look", BigInteger),
        Index("suspense_candidates_looked", "looked_at", "subject"),
    )
