"""The tables of the schema `usage_ingest`."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.listing import folded
from shared.db.tables import INSTANT, add_retold_table, add_standard_tables

metadata = MetaData(schema="usage_ingest")
add_standard_tables(metadata)
add_retold_table(metadata)

quarantine = Table(
    "quarantine",
    metadata,
    Column("quarantine_id", Text, primary_key=True),
    Column("by", Text, nullable=False, server_default=text("'door'")),  # door | metering: who refused it
    Column("code", Text, nullable=False),
    Column("detail", Text, nullable=False),
    Column("raw", LargeBinary, nullable=False),  # the event's own bytes, for ever as they came
    # These and time: "" and null where they could not be read.
    Column("source", Text, nullable=False),
    Column("id", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("time", INSTANT),
    Column("key_id", Text, nullable=False),  # or topic:partition:from-to of usage.raw
    Column("request_id", Text, nullable=False),
    Column("index_", Integer, nullable=False),  # place in the request, or offset in the run
    Column("received_at", INSTANT, nullable=False),  # machine clock
    Column("business_at", INSTANT, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'open'")),
    Column("resolved_at", INSTANT),
    Column("resolved_by", Text),  # key id
    # What it was resolved by: the reason of a discard.
    Column("resolution", Text),
    Column("repaired", LargeBinary),  # the body that was accepted in its place
    CheckConstraint("status in ('open', 'replayed', 'repaired', 'discarded')", name="quarantine_status"),
    CheckConstraint("by in ('door', 'metering')", name="quarantine_by"),
    Index("quarantine_open", "quarantine_id", postgresql_where=text("status = 'open'")),
    Index("quarantine_source", "source", "quarantine_id"),
    # a refused id may be longer than an index takes
    Index("quarantine_id_begins", text("left(id, 255)"), "quarantine_id"),
    Index("quarantine_code", "code", "quarantine_id"),
    Index("quarantine_summary", "status", "code", "source", "received_at"),
    Index("quarantine_id_folded", text(folded("left(id, 255)"))),
    Index("quarantine_subject_folded", text(folded("left(subject, 255)"))),
)

receipts = Table(
    "receipts",
    metadata,
    Column("receipt_id", Text, primary_key=True),
    Column("key_id", Text, nullable=False),
    Column("source", Text, nullable=False),  # "" where it could not be read
    Column("received_at", INSTANT, nullable=False),
    Column("hour", INSTANT, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("published", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
    CheckConstraint("received = published + quarantined + refused", name="receipts_sum"),
    Index("receipts_hour", "hour"),
)

door_hours = Table(  # receipts summed up, in the transaction that stores them
    "door_hours",
    metadata,
    Column("key_id", Text, primary_key=True),  # "usage.raw" for all of that topic
    Column("source", Text, primary_key=True),
    Column("hour", INSTANT, primary_key=True),
    Column("receipts", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("published", BigInteger, nullable=False),
    Column("quarantined", BigInteger, nullable=False),
    Column("refused", BigInteger, nullable=False),
)

receipts_kept = Table(  # the view receipts_said counts hours before `since` by door_hours
    "receipts_kept",
    metadata,
    Column("one", Boolean, primary_key=True, server_default=text("true")),
    Column("since", INSTANT, nullable=False),
    CheckConstraint("one"),
)

#: What only the issuer of a key knows; the rest is in access_keys.
api_keys = Table(
    "api_keys",
    metadata,
    Column("key_id", Text, primary_key=True),
    Column("prefix", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False),
    Column("created_by", Text, nullable=False),  # key id; "" for the command line
    Column("replaces", Text),
)

meters = Table(  # catalogue.meters as heard
    "meters",
    metadata,
    Column("meter", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("document", JSONB, nullable=False),  # MeterMessage
    Column(
        "stored_xid", BigInteger, nullable=False, server_default=text("(pg_current_xact_id()::text)::bigint")
    ),
    Index("meters_stored", "stored_xid"),
)

customers = Table(  # customers.customers as heard
    "customers",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("document", JSONB, nullable=False),  # CustomerMessage
    Column(
        "stored_xid", BigInteger, nullable=False, server_default=text("(pg_current_xact_id()::text)::bigint")
    ),
    Index("customers_stored", "stored_xid"),
)
