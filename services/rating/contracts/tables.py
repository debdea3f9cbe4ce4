"""Tables of contracts: the contract, its append-only chain of versions, and the service periods the clock has
opened."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.listing import folded
from shared.db.tables import INSTANT

NOW = text("clock_timestamp()")


def add_contract_tables(metadata: MetaData) -> None:
    """Add them to the schema's metadata; `customers` (metering's migration 0001) must be there."""
    Table(
        "contracts",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("customer_id", Text, ForeignKey("rating.customers.customer_id"), nullable=False),
        Column("revision", BigInteger, nullable=False),
        Column("created_at", INSTANT, nullable=False, server_default=NOW),
        # When the clock opens the next period; null: the term has ended.
        Column("next_period_at", INSTANT),
        # Where no period is open: when the business clock looks for corrections next; null: there are none to come.
        Column("correction_due_at", INSTANT),
        Index("contracts_customer", "customer_id"),
        Index("contracts_by_creation", "created_at", "contract"),
        Index("contracts_begins", text(folded("contract"))),
        Index(
            "contracts_correction_due",
            "correction_due_at",
            postgresql_where=text("correction_due_at is not null"),
        ),
        Index("contracts_next_period", "next_period_at", postgresql_where=text("next_period_at is not null")),
    )
    Table(
        "contract_versions",
        metadata,
        Column("contract", Text, ForeignKey("rating.contracts.contract"), primary_key=True),
        Column("version", Integer, primary_key=True, autoincrement=False),
        Column("effective_at", INSTANT, nullable=False),
        Column("recorded_at", INSTANT, nullable=False),  # business clock
        Column("stamped_at", INSTANT, nullable=False, server_default=NOW),
        Column("content_hash", Text, nullable=False),
        Column("terms", JSONB, nullable=False),  # resolved: the plan's lines merged
        # it reached into final periods, and whoever applied it said so
        Column("corrects_final", Boolean, nullable=False, server_default=text("false")),
    )
    Table(
        # documents are numbered by the name in capital letters
        "legal_entities",
        metadata,
        Column("folded", Text, primary_key=True),
        Column("name", Text, nullable=False),
    )
    Table(
        "periods",
        metadata,
        Column("contract", Text, ForeignKey("rating.contracts.contract"), primary_key=True),
        Column("period_start", INSTANT, primary_key=True),
        Column("period_end", INSTANT, nullable=False),  # exclusive
        Column("start_date", Date, nullable=False),  # local, inclusive
        Column("end_date", Date, nullable=False),  # local, inclusive
        Column("whole_days", Integer, nullable=False),  # of the full period the anchors draw
        Column("close_due_at", INSTANT, nullable=False),  # end plus grace
        Column("final", Boolean, nullable=False, server_default=text("false")),
        Column("retry_at", INSTANT),  # machine clock: pricing failed, not again before
        # business clock: until then what comes for the final period corrects it
        Column("accept_until", INSTANT),
        CheckConstraint("not final or accept_until is not null", name="periods_accept_until"),
        Index("periods_by_end", "end_date", "contract"),
        Index("periods_close_due", "close_due_at", postgresql_where=text("not final")),
    )
    Table(
        # Requests to price a statement. Whoever prices it deletes the rows its snapshot sees, so a request
        # that commits meanwhile can never be swallowed: it is a row of its own, or renews one, which then
        # cannot be deleted in an older snapshot.
        "stale",
        metadata,
        Column("stale_id", BigInteger, Identity(always=True), primary_key=True),
        Column("contract", Text, nullable=False),
        Column("period_start", INSTANT, nullable=False),
        Column("since", INSTANT, nullable=False, server_default=NOW),
        # from when it is priced though nobody looks, machine clock: never before it was written
        Column(
            "due_us",
            BigInteger,
            nullable=False,
            server_default=text("(extract(epoch from clock_timestamp()) * 1000000)::bigint"),
        ),
        # usage alone asks for it: it is told in its time
        Column("seldom", Boolean, nullable=False, server_default=text("false")),
        # asked by the pricing that failed: nothing new has come
        Column("retry", Boolean, nullable=False, server_default=text("false")),
        Index("stale_statement", "contract", "period_start"),
        Index("stale_due", "due_us"),
    )
