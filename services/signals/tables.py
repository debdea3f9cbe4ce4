"""The tables of the schema `signals`: what was heard, each row the newest snapshot of its key."""

from sqlalchemy import BigInteger, Boolean, Column, Date, Index, MetaData, Table, Text
from sqlalchemy.dialects.postgresql import JSONB

from shared.tables import INSTANT, add_standard_tables

metadata = MetaData(schema="signals")
add_standard_tables(metadata)

customers = Table(
    "customers", metadata,
    Column("customer_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("external_id", Text, nullable=False, unique=True),
    Column("name", Text, nullable=False),
    Column("timezone", Text, nullable=False),
)

contracts = Table(
    "contracts", metadata,
    Column("contract", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("customer", Text, nullable=False),
    Column("versions", JSONB, nullable=False),               # [ContractVersion], oldest first
    Index("contracts_customer", "customer"),
)

statements = Table(
    "statements", metadata,
    Column("contract", Text, primary_key=True),
    Column("period_start", INSTANT, primary_key=True),
    Column("period_end", INSTANT, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("customer", Text, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("document", JSONB, nullable=False),               # StatementMessage
)

activity = Table(
    "activity", metadata,
    Column("subject", Text, primary_key=True),
    Column("meter", Text, primary_key=True),
    Column("day", Date, primary_key=True),                   # UTC
    Column("revision", BigInteger, nullable=False),
    Column("customer_id", Text),
    Column("hours", JSONB, nullable=False),                  # "0".."23" → [events, value]
    Column("last_seen_at", INSTANT, nullable=False),
    Index("activity_customer", "customer_id", "meter", "day"),
)
