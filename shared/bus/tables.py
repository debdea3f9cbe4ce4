"""The infrastructure schemas as SQLAlchemy Core tables: `bus` (logs, positions, batch rows, membership) and
`clock`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from shared.bus.batch_rows import OUTCOMES

metadata = MetaData(schema="bus")
INSTANT = DateTime(timezone=True)
NOW = text("clock_timestamp()")


def _partition_of_topic(*, key: bool) -> tuple[Column[str], Column[int]]:
    return Column("topic", Text, primary_key=key, nullable=False), Column(
        "partition", SmallInteger, primary_key=key, nullable=False
    )


cluster = Table(
    "cluster",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("kind", Text, nullable=False),
    Column("cluster_id", Text, nullable=False),
    CheckConstraint("one"),
)
topics = Table(
    "topics",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("partitions", SmallInteger, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=NOW),
)
heads = Table(
    "heads",
    metadata,
    Column("topic", Text, ForeignKey("bus.topics.topic", ondelete="CASCADE"), primary_key=True),
    Column("partition", SmallInteger, primary_key=True),
    Column("head", BigInteger, nullable=False, server_default=text("0")),
)
segments = Table(
    "segments",
    metadata,
    *_partition_of_topic(key=True),
    Column("base", BigInteger, primary_key=True),
    Column("count", Integer, nullable=False),
    Column("payload", LargeBinary, nullable=False),
    Column("appended_at", INSTANT, nullable=False, server_default=NOW),
)
topic_writers = Table(
    "topic_writers",
    metadata,
    Column("topic", Text, primary_key=True),
    Column("role", Text, primary_key=True),
    Column("appends", Boolean, nullable=False),  # false: it only trims what retention allows to go
)
batch_id = Sequence("batch_id", metadata=metadata)
positions = Table(
    "positions",
    metadata,
    Column("grp", Text, primary_key=True),
    *_partition_of_topic(key=True),
    Column("position", BigInteger, nullable=False, server_default=text("0")),
    Column("last_hash", LargeBinary),
    Column("moved_at", INSTANT, nullable=False, server_default=NOW),
)
batches = Table(
    "batches",
    metadata,
    Column("batch_id", BigInteger, primary_key=True, autoincrement=False),
    Column("grp", Text, nullable=False),
    *_partition_of_topic(key=False),
    Column("from_offset", BigInteger, nullable=False),
    Column("to_offset", BigInteger, nullable=False),
    *(Column(outcome, Integer, nullable=False) for outcome in OUTCOMES),
    Column("at", INSTANT, nullable=False, server_default=NOW),
    # source → outcome → messages; null where none are kept, and before cut `batch_sources`
    Column("sources", JSONB),
    UniqueConstraint("grp", "topic", "partition", "from_offset"),
)
#: Since when something is counted in a way that it was not before.
cuts = Table(
    "cuts",
    metadata,
    Column("name", Text, primary_key=True),
    Column("at", INSTANT, nullable=False),
)
dead_letters = Table(
    "dead_letters",
    metadata,
    Column("grp", Text, primary_key=True),
    *_partition_of_topic(key=True),
    Column("offset_", BigInteger, primary_key=True),
    # which of a record's events, where it carries several
    Column("index_", Integer, primary_key=True, server_default=text("0")),
    Column("key", LargeBinary, nullable=False),
    Column("value", LargeBinary, nullable=False),
    Column("headers", JSONB, nullable=False, server_default=text("'{}'")),
    Column("error", Text, nullable=False),
    Column("batch_id", BigInteger, nullable=False),
    Column("at", INSTANT, nullable=False, server_default=NOW),
    Column("replayed_at", INSTANT),  # when it was published again
    # when somebody decided that it is never taken; these three stay for good
    Column("discarded_at", INSTANT),
    Column("discarded_by", Text),
    Column("discard_reason", Text),
    Index("dead_letters_key", "key", postgresql_using="hash"),
)
members = Table(
    "members",
    metadata,
    Column("member", BigInteger, Identity(always=True), primary_key=True),
    Column("grp", Text, nullable=False),
    Column("shares", ARRAY(Text), nullable=False),
    Column("pid", Integer, nullable=False),
    Column("backend_start", INSTANT, nullable=False),
    Column("seen_at", INSTANT, nullable=False, server_default=NOW),
    Index("members_group", "grp"),
)
business_clock = Table(
    "business",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("moved_to", INSTANT),
    Column("revision", BigInteger, nullable=False, server_default=text("0")),
    Column("set_at", INSTANT, nullable=False, server_default=NOW),
    Column("quiet_request", BigInteger, nullable=False, server_default=text("0")),
    Column("quiet_service", Text, nullable=False, server_default=text("''")),
    schema="clock",
)
clock_instances = Table(
    "instances",
    metadata,
    Column("instance_id", Text, primary_key=True),
    Column("service", Text, nullable=False),
    Column("seen_at", INSTANT, nullable=False, server_default=NOW),
    Column("acked_revision", BigInteger, nullable=False),
    Column("quiet_request", BigInteger, nullable=False, server_default=text("0")),
    schema="clock",
)
