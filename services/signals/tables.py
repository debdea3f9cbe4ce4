"""The tables of the schema `signals`: what was heard, what it means day by day, the facts told, and the
webhooks that tell them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    Date,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import INSTANT, add_standard_tables
from shared.replica.tables import add_chain_tables, add_page_table

metadata = MetaData(schema="signals")
add_standard_tables(metadata)
contracts = add_chain_tables(metadata)
Index("contracts_customer", contracts.c.customer)
add_page_table(metadata)

customers = Table(
    "customers",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("external_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
)

meters = Table(
    "meters",
    metadata,
    Column("meter", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("event_type", Text, nullable=False),
    Column("adds_up", Boolean, nullable=False),
    Column("role", Text),
    Column("heartbeat_s", Integer),
)

statements = Table(
    "statements",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("period_start", INSTANT, primary_key=True),
    Column("period_end", INSTANT, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("customer", Text, nullable=False),
    Column("final", Boolean, nullable=False),
    # What a daily evaluation reads of it; null without allowance and minimum.
    Column("capacity", JSONB),
)

activity = Table(
    "activity",
    metadata,
    Column("subject", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("day", Date, primary_key=True),  # UTC
    # of the newest message of before, which told a whole day; 0 without one
    Column("revision", BigInteger, nullable=False),
    Column("customer_id", Text),
    # "0".."23" → [events, value, revision]; of before without a revision: that of the row
    Column("hours", JSONB, nullable=False),
    Column("last_seen_at", INSTANT, nullable=False),
    # a meter with a role: hashed values of the day
    Column("items", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("items_revision", BigInteger, nullable=False, server_default=text("0")),
    # whether the roll-up of its customer has these hours; that of another, or of older ones, has the last two
    Column("folded", Boolean, nullable=False, server_default=text("false")),
    Column("rolled_hours", JSONB),
    Column("rolled_customer_id", Text),
    Index("activity_customer", "customer_id", "meter", "day"),
    Index(
        "activity_waiting",
        "customer_id",
        postgresql_where=text("not folded and (customer_id is not null or rolled_customer_id is not null)"),
    ),
    Index("activity_rolled", "rolled_customer_id", postgresql_where=text("rolled_customer_id is not null")),
)

rollups = Table(
    "rollups",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("days_from", Date, nullable=False),  # local
    Column("weeks_from", Date, nullable=False),  # a Monday
    Column("days", ARRAY(BigInteger), nullable=False),  # events by day
    Column("weeks", ARRAY(BigInteger), nullable=False),  # events by week
    # Value by day, a JSON list of decimals as text.
    Column("day_values", LargeBinary, nullable=False),
    Column("total", Numeric, nullable=False),
    Column("last_seen_us", BigInteger, nullable=False),
    Column("gone_on", Date),
)

customer_states = Table(
    "customer_states",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("next_on", Date, nullable=False),  # the local day that is evaluated next
    Column("due_at", INSTANT, nullable=False),  # business clock
    Column("state", JSONB, nullable=False),
    # machine clock: one of its contracts cannot be read, and it is looked at again then
    Column("held_until", INSTANT),
    Index("customer_states_due", "due_at"),
)

standings = Table(
    "standings",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("day", Date, primary_key=True),
    Column("at", INSTANT, nullable=False),  # the instant the day began
    Column("document", JSONB, nullable=False),
)

facts = Table(
    "facts",
    metadata,
    Column("signal_id", Text, primary_key=True),
    Column("type", Text, nullable=False),
    Column("customer_id", Text, nullable=False),  # "" for a subject that is no customer
    Column("customer", Text, nullable=False),
    Column("contract", Text),
    Column("day", Date, nullable=False),
    Column("occurred_at", INSTANT, nullable=False),  # business clock
    Column("sequence", BigInteger, nullable=False),  # 1, 2, … per customer
    Column("data", JSONB, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'open'")),  # open | acknowledged | snoozed
    Column("snoozed_until", INSTANT),
    Column("acknowledged_by", Text),  # key id
    Column("outcome", Text),  # renewed | expanded | contracted | churned
    Column("outcome_at", INSTANT),
    Column("told_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    Index("facts_order", "occurred_at", "signal_id"),
    Index("facts_customer", "customer", "sequence", unique=True),
    Index("facts_contract", "contract", "type"),
)

sequences = Table(
    "sequences",
    metadata,
    Column("customer", Text, primary_key=True),
    Column("last", BigInteger, nullable=False),
)

endpoints = Table(
    "endpoints",
    metadata,
    Column("endpoint_id", Text, primary_key=True),
    Column("url", Text, nullable=False),  # as it may be shown: scheme and host
    Column("description", Text, nullable=False),
    Column("events", ARRAY(Text), nullable=False),  # types, or "*"
    Column("format", Text, nullable=False),  # standard | slack
    Column("sealed_secret", Text, nullable=False),  # these three by shared/sealing.py
    Column("sealed_previous_secret", Text),  # signs too until previous_until
    Column("previous_until", INSTANT),  # machine clock, as signatures are
    Column("state", Text, nullable=False),  # enabled | disabled
    Column("disabled_reason", Text),
    Column("disabled_at", INSTANT),  # business clock
    Column("failing_since", INSTANT),  # business clock; null after a success
    Column("created_at", INSTANT, nullable=False),  # business clock
    Column("lane_owner", Text),  # the process that sends to it now
    Column("lane_until", INSTANT),  # machine clock
    Column("sealed_url", Text, nullable=False),
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("delivery_id", Text, primary_key=True),
    Column("endpoint_id", Text, nullable=False),
    Column("signal_id", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("sequence", BigInteger, nullable=False),
    Column("state", Text, nullable=False),  # pending | delivered | given_up
    # how often it was queued: a replay begins a new one
    Column("round", Integer, nullable=False, server_default=text("1")),
    Column("attempts", Integer, nullable=False),  # recorded ones of this round
    Column("due_at", INSTANT, nullable=False),  # business clock
    Column("created_at", INSTANT, nullable=False),  # business clock
    Column("delivered_at", INSTANT),  # business clock
    Index("deliveries_signal", "endpoint_id", "signal_id", unique=True),
    Index("deliveries_due", "endpoint_id", "due_at", postgresql_where=text("state = 'pending'")),
)

attempts = Table(
    "attempts",
    metadata,
    Column("attempt_id", Text, primary_key=True),
    Column("delivery_id", Text, nullable=False),
    Column("number", Integer, nullable=False),
    Column("at", INSTANT, nullable=False),  # machine clock, the signature's time
    Column("business_at", INSTANT, nullable=False),
    Column("status", Integer),  # null where no answer came
    Column("error", Text),
    Column("took_ms", Integer, nullable=False),
    Column("request", JSONB, nullable=False),  # url (scheme and host), headers (without the signature), body
    Column("response", Text, nullable=False),  # at most 64 kB
    Index("attempts_delivery", "delivery_id", "number"),
)
