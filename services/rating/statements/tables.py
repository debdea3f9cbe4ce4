"""Tables of statements: the current revision of each; a final one is history."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    ForeignKeyConstraint,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from services.rating.catalogue.tables import NAME
from shared.db.tables import INSTANT


def add_statement_tables(metadata: MetaData) -> None:
    """Add them to the schema's metadata, after the contract tables."""
    Table(
        "statements",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("period_start", INSTANT, primary_key=True),
        Column("statement_id", Uuid, nullable=False, unique=True),
        Column("revision", BigInteger, nullable=False),  # max(previous + 1, machine µs)
        Column("final", Boolean, nullable=False),
        Column("watermark", JSONB, nullable=False),  # usage.events partition → last batch id covered
        Column("watermark_us", BigInteger, nullable=False),
        Column("subtotal_minor", BigInteger, nullable=False),
        Column("currency", String(3), nullable=False),
        # the StatementMessage, whole but for its explanation, as JSON text
        Column("said", Text, nullable=False),
        # the same to read, made when it is read
        Column("document", JSONB, Computed("said::jsonb", persisted=False), nullable=False),
        # the steps by line, as JSON text; null of a draft, and of what was final before they were kept
        Column("explanation", Text),
        # balances that open the next period
        Column("closing", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
        # balances it was opened with
        Column("opening", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
        # the newest version of the contract that pricing knew
        Column("known_version", Integer, nullable=False),
        ForeignKeyConstraint(
            ["contract", "period_start"], ["rating.periods.contract", "rating.periods.period_start"]
        ),
    )
    # Whose usage a final statement covers, kept by a trigger in its snapshot.
    Table(
        "closed_subjects",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("period_start", INSTANT, primary_key=True),
        Column("subject", NAME, primary_key=True),
        Index("closed_subjects_subject", "subject"),  # what a subject that left is on
    )
