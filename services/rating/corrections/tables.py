"""Tables of corrections. A correction is history; a mark asks for the next one."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from services.rating.catalogue.tables import NAME
from shared.db.tables import INSTANT


def add_correction_tables(metadata: MetaData) -> None:
    """Add them to the schema's metadata, after the statements.

    Views: `last_statements` has of each statement its last correction or, without one, itself, and the revision in
    which it became final; `last_subjects` whose usage that covers, of a subject that has left since up to `batches`
    alone, and without what was `taken_out` of them then.
    """
    Table(
        "corrections",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("period_start", INSTANT, primary_key=True),
        Column("run", Integer, CheckConstraint("run > 0"), primary_key=True, autoincrement=False),
        # 1, 2, … of those that changed a line
        Column("number", Integer),
        # note: its document asks for the difference; carried: the next one does; waived: nobody will;
        # unchanged: what came changed no line
        Column("outcome", Text, nullable=False),
        Column("statement_id", Uuid, nullable=False, unique=True),
        Column("revision", BigInteger, nullable=False),
        Column("watermark", JSONB, nullable=False),  # usage.events partition → last batch id covered
        Column("watermark_us", BigInteger, nullable=False),
        Column("subtotal_minor", BigInteger, nullable=False),  # of the whole period
        Column("asked_minor", BigInteger, nullable=False),  # of the difference, less its draws
        Column("currency", String(3), nullable=False),
        # the StatementMessage, whole but for its explanation, as JSON text; only a note is told
        Column("said", Text, nullable=False),
        Column("explanation", Text),
        # the same to read, made when it is read
        Column("document", JSONB, Computed("said::jsonb", persisted=False), nullable=False),
        Column("closing", JSONB, nullable=False),
        # what was held or waived then: {"partition": [[after a batch, up to a batch or null], …]}
        Column("taken_out", JSONB),
        # of subjects that joined after a decision what was in place of that: {"subject": the same}
        Column("taken_out_of", JSONB),
        # the newest version of the contract that pricing knew
        Column("known_version", Integer, nullable=False),
        # what it hands on beyond what was before (rows of balances), and to the period that begins when
        Column("handed_on", JSONB),
        Column("handed_to", INSTANT),
        ForeignKeyConstraint(
            ["contract", "period_start"], ["rating.periods.contract", "rating.periods.period_start"]
        ),
        CheckConstraint("outcome in ('note', 'carried', 'waived', 'unchanged')", name="corrections_outcome"),
        CheckConstraint("(number is null) = (outcome = 'unchanged')", name="corrections_number"),
        CheckConstraint("(handed_on is null) = (handed_to is null)", name="corrections_handed"),
        Index(
            "corrections_handed_to", "contract", "handed_to", postgresql_where=text("handed_to is not null")
        ),
    )
    # Whose usage a correction covers, kept by a trigger in its snapshot.
    Table(
        "corrected_subjects",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("period_start", INSTANT, primary_key=True),
        Column("run", Integer, primary_key=True, autoincrement=False),
        Column("subject", NAME, primary_key=True),
        # of a subject that left: what had counted by then, partition → last batch id
        Column("batches", JSONB),
        # and what of these batches was held or waived: it did not count, and went with its subject
        Column("taken_out", JSONB),
        ForeignKeyConstraint(
            ["contract", "period_start", "run"],
            [f"rating.corrections.{name}" for name in ("contract", "period_start", "run")],
            name="corrected_subjects_correction",
            deferrable=True,
            initially="deferred",
        ),
        Index("corrected_subjects_subject", "subject"),
    )
    # Final periods that may have usage which came after all was accepted: who notes one renews `noted_at`, so that who
    # has looked before removes nothing.
    Table(
        "late_periods",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("period_start", INSTANT, primary_key=True),
        Column("noted_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        Column("looked_at", Boolean, nullable=False, server_default=text("false")),
        ForeignKeyConstraint(
            ["contract", "period_start"], ["rating.periods.contract", "rating.periods.period_start"]
        ),
        Index("late_periods_new", "noted_at", postgresql_where=text("not looked_at")),
    )
    # What was decided about it; history.
    Table(
        "late_decisions",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("period_start", INSTANT, primary_key=True),
        Column("sequence", Integer, CheckConstraint("sequence > 0"), primary_key=True, autoincrement=False),
        Column("decision", Text, nullable=False),
        Column("reason", Text, nullable=False),
        Column("after", JSONB, nullable=False),  # partition → the batch after which it begins
        Column("up_to", JSONB, nullable=False),  # partition → the last batch it is about
        Column(
            "subjects", ARRAY(Text), nullable=False
        ),  # of those that the period had then, and of no others
        Column("decided_at", INSTANT, nullable=False),  # business clock
        Column("stamped_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        ForeignKeyConstraint(
            ["contract", "period_start"], ["rating.periods.contract", "rating.periods.period_start"]
        ),
        CheckConstraint("decision in ('bill', 'waive')", name="late_decisions_decision"),
    )
    # Final periods to be corrected. Rows as in `stale`: who corrects deletes those its snapshot sees.
    Table(
        "correction_marks",
        metadata,
        Column("mark_id", BigInteger, Identity(always=True), primary_key=True),
        Column("contract", Text, nullable=False),
        Column("period_start", INSTANT, nullable=False),
        Column("since", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        # business clock: what was carried is waived then, if nothing comes before; null: at the next run
        Column("not_before", INSTANT),
        Index("correction_marks_period", "contract", "period_start"),
    )
