"""The tables of the schema `signals`: what was heard, what it means day by day, the facts told, and the
webhooks that tell them."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.listing import folded
from shared.db.tables import INSTANT, add_standard_tables
from shared.replica.tables import add_chain_tables, add_page_table

RISK_RANK = "-2 * risk_score - silent::integer"

metadata = MetaData(schema="signals")
add_standard_tables(metadata)
contracts = add_chain_tables(metadata)
Index("contracts_customer", contracts.c.customer)
Index("contracts_customer_id", contracts.c.customer_id)
add_page_table(metadata)

customers = Table(
    "customers",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("external_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Index("customers_external_id_begins", text(folded("external_id"))),
    Index("customers_name_begins", text(folded("name"))),
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
    # whether a document of it follows once it is final; null of what was heard before this was kept
    Column("asks", Boolean),
)

# Finalized documents that settle what they ask for.
documents = Table(
    "documents",
    metadata,
    Column("document_id", Text, primary_key=True),
    Column("contract", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("start_date", Date, nullable=False),  # of its service period, local
    # told before money was kept: billing tells it again
    Column("awaited", Boolean, nullable=False, server_default=text("false")),
    Index("documents_period", "contract", "start_date"),
    Index("documents_awaited", "customer_id", postgresql_where=text("awaited")),
)

settled = Table(
    "settled",
    metadata,  # what each of them settles, by line of the terms; as last corrected is the sum
    Column("document_id", Text, primary_key=True),
    Column("contract", Text, primary_key=True),
    Column("start_date", Date, primary_key=True),
    Column("key", Text, primary_key=True),
    Column("end_date", Date, nullable=False),  # inclusive
    Column("customer_id", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("settled_minor", BigInteger, nullable=False),  # fees and usage
    Column("shortfall_minor", BigInteger, nullable=False),  # short of a commitment
    Index("settled_customer", "customer_id", "end_date"),
    Index("settled_contract", "contract", "end_date"),
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

# Of each customer's newest evaluation what it is found and sorted by.
roster = Table(
    "roster",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("day", Date, nullable=False),
    Column("risk_score", Integer, nullable=False),
    Column("at_risk", Boolean, nullable=False),
    Column("silent", Boolean, nullable=False),
    Column("renews_on", Date),  # the first end of a running term
    Column("activations", ARRAY(Text), nullable=False),  # the states of its contracts' activations
    Column("score_p", Numeric),
    # what is at stake: currencies, and of each the amount
    Column("currencies", ARRAY(Text), nullable=False, server_default=text("'{}'::text[]")),
    Column("stakes", ARRAY(Numeric), nullable=False, server_default=text("'{}'::numeric[]")),
    Column("external_id", Text, nullable=False),
    # the highest score first, and of equal ones who has a silent meter
    Column("risk_rank", BigInteger, Computed(RISK_RANK, persisted=True), nullable=False),
    Index("roster_by_risk", "risk_rank", "external_id"),
    Index(
        "roster_by_renewal",
        text("((renews_on - '1970-01-01'::date)::bigint)"),
        "external_id",
        postgresql_where=text("renews_on is not null"),
    ),
    Index(
        "roster_at_risk",
        text("((renews_on - '1970-01-01'::date)::bigint)"),
        "external_id",
        postgresql_where=text("at_risk"),
    ),
)

# The same by currency: with whom most is likely to be lost is found here.
roster_stakes = Table(
    "roster_stakes",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("external_id", Text, nullable=False),
    # what is at stake × score_p, in ten-thousandths of a currency unit, below zero
    Column("rank", BigInteger, nullable=False),
    Index("roster_stakes_by_rank", "currency", "rank", "external_id"),
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
    Column("acknowledged_by", Text),  # actor
    Column("acknowledged_at", INSTANT),  # business clock; the first time
    Column("told_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    Column("assignee", Text),  # the person who looks after it
    Index("facts_assignee", "assignee", "occurred_at", postgresql_where=text("assignee is not null")),
    Index("facts_order", "occurred_at", "signal_id"),
    Index("facts_customer", "customer", "sequence", unique=True),
    Index("facts_contract", "contract", "type"),
    Index("facts_customer_begins", text(folded("customer"))),
)

# Terms that ended.
renewals = Table(
    "renewals",
    metadata,
    Column("contract", Text, primary_key=True),
    Column("term_end", Date, primary_key=True),
    Column("customer_id", Text, nullable=False),
    Column("goes_on", Boolean, nullable=False),  # it ran into a next one
    # looked at once this local day of the customer is evaluated; null: never again
    Column("look_on", Date),
    Index("renewals_due", "look_on", postgresql_where=text("look_on is not null")),
)

# What people wrote down about a fact.
fact_notes = Table(
    "fact_notes",
    metadata,
    Column("note_id", BigInteger, Identity(always=True), primary_key=True),
    Column("signal_id", Text, nullable=False),
    Column("by", Text, nullable=False),  # the actor
    Column("at", INSTANT, nullable=False),  # business clock
    Column("text", Text, nullable=False),
    Index("fact_notes_signal", "signal_id", "note_id"),
)

# What was said of a term, oldest first: the last word of a person stands, without one the last judgement.
outcomes = Table(
    "outcomes",
    metadata,
    Column("said_id", BigInteger, Identity(always=True), primary_key=True),
    Column("signal_id", Text),  # of the fact that it was said of; null of a judgement
    Column("contract", Text),  # null: said of a fact that is about no term, as was possible before
    Column("term_end", Date),
    Column("outcome", Text, nullable=False),  # renewed | expanded | contracted | churned
    Column("by", Text),  # the actor; null of a judgement
    Column("at", INSTANT, nullable=False),  # business clock
    Column("evidence", JSONB),  # Judgement: what a judgement rests on
    CheckConstraint("num_nulls(contract, term_end) <> 1", name="outcomes_term"),
    CheckConstraint(
        "case when by is null then num_nulls(contract, evidence) = 0 and signal_id is null "
        "else evidence is null and signal_id is not null end",
        name="outcomes_word",
    ),
    Index("outcomes_of_term", "contract", "term_end", "said_id"),
    Index("outcomes_of_signal", "signal_id", "said_id", postgresql_where=text("signal_id is not null")),
)

renewal_models = Table(
    "renewal_models",
    metadata,
    Column("said_id", BigInteger, primary_key=True),  # the newest outcome that it was learned from
    Column("at", INSTANT, nullable=False),  # business clock
    Column("outcomes", Integer, nullable=False),
    Column("model", JSONB, nullable=False),  # RenewalModel
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
    Index("deliveries_delivered", "endpoint_id", "delivered_at"),
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
    Index("attempts_made", "business_at"),
)
