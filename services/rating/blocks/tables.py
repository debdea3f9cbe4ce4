"""Tables of blocks: what they are, who draws on them in which order, and every change of their balances."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Date,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    SmallInteger,
    String,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from shared.db.tables import INSTANT

KINDS = "kind in ('prepaid', 'promotional', 'commitment', 'roll_over', 'shortfall')"
#: What adds is above zero, what takes is below; an adjustment does either.
ROWS = """kind in ('grant', 'return', 'revived') and amount_minor > 0
    or kind in ('draw', 'expiry', 'void', 'refund') and amount_minor < 0
    or kind = 'adjustment' and amount_minor <> 0"""


def add_block_tables(metadata: MetaData) -> None:
    """Add them to the schema's metadata, after those of contracts."""
    Table(
        "blocks",
        metadata,
        Column("block_id", Text, primary_key=True),
        Column("customer_id", Text, ForeignKey("rating.customers.customer_id"), nullable=False),
        # moves when a draw on it changes: whoever knew another one collides
        Column("revision", BigInteger, nullable=False, server_default=text("0")),
        Column("key", Text, nullable=False),  # of its clause, or its id
        Column("kind", Text, nullable=False),
        Column("currency", String(3), nullable=False),
        Column("effective", INSTANT, nullable=False),
        Column("ends", INSTANT),  # exclusive; null: never
        Column("created_at", INSTANT, nullable=False),  # business clock
        Column("priority", Integer),
        Column("draw_class", Text, nullable=False, server_default=text("'normal'")),
        Column("applies_to", JSONB),  # keys and kinds of lines; null: all
        Column("clauses", JSONB, nullable=False, server_default=text("'[]'::jsonb")),  # ids; none: by a call
        # what is left at its end has been taken off it
        Column("over", Boolean, nullable=False, server_default=text("false")),
        # by its clause or by calls: what the end of another one makes of it is left out
        Column("granted_minor", BigInteger, nullable=False),
        Column("reason", Text),
        Column("asked_for", Boolean, nullable=False, server_default=text("false")),  # by documents
        # of a prepaid one that a call granted: whether a document asks for it
        Column("document", Text),
        # by an adjustment that says so; no draw takes it there
        Column("voided", Boolean, nullable=False, server_default=text("false")),  # by a call
        # the block whose time was over when this came back to it
        Column("returned_from", Text, ForeignKey("rating.blocks.block_id")),
        # what is paid for a unit of it; null: 1, or it is given
        Column("cost_basis", Numeric),
        Column("may_be_negative", Boolean, nullable=False, server_default=text("false")),
        # a correction was the first to let something roll over to it
        Column("by_correction", Boolean, nullable=False, server_default=text("false")),
        CheckConstraint(KINDS, name="blocks_kind"),
        CheckConstraint("cost_basis > 0 and cost_basis < 1", name="blocks_cost_basis"),
        Index("blocks_customer", "customer_id"),
        Index("blocks_ends", "ends", postgresql_where=text("not over")),
    )
    Table(
        "block_contracts",
        metadata,
        Column("block_id", Text, ForeignKey("rating.blocks.block_id"), primary_key=True),
        Column("contract", Text, ForeignKey("rating.contracts.contract"), primary_key=True),
        Column("position", SmallInteger, nullable=False),  # in which order they draw
        Index("block_contracts_contract", "contract"),
    )
    Table(
        "block_rows",
        metadata,
        Column("row_id", BigInteger, Identity(always=True), primary_key=True),
        Column("block_id", Text, ForeignKey("rating.blocks.block_id"), nullable=False),
        Column("kind", Text, nullable=False),
        Column("amount_minor", BigInteger, nullable=False),  # what it adds to the balance
        Column("at", INSTANT, nullable=False),  # when it counts from
        Column("recorded_at", INSTANT, nullable=False),  # business clock
        Column("stamped_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
        # what the statement that caused it says
        Column("contract", Text),
        Column("period_start", INSTANT),
        Column("statement_id", Uuid),
        Column("line_id", Uuid),
        Column("slice_start", INSTANT),
        Column("cause", Text, nullable=False),
        # of a lapse, or of what is taken back of one: what no document asked for
        Column("unasked_minor", BigInteger),
        # what was paid for what it adds, of a block with a cost basis, once it stays as it is
        Column("cost_minor", BigInteger),
        CheckConstraint(ROWS, name="block_rows_sign"),
        Index("block_rows_block", "block_id", "row_id"),
        Index("block_rows_statement", "contract", "period_start"),
    )
    Table(
        # One row a document that asks for a block, or a part of it, beforehand.
        "asked_beforehand",
        metadata,
        Column("contract", Text, primary_key=True),
        Column("period_start", INSTANT, nullable=False),  # of the service period within which it is due
        Column("occasion", Text, primary_key=True),
        Column("kind", Text, nullable=False),  # commitment | prepayment
        Column("key", Text, nullable=False),  # of its clause
        Column("block_id", Text, nullable=False),
        Column("clause_id", Uuid, nullable=False),
        Column("clause_hash", Text, nullable=False),
        Column("due_at", INSTANT, nullable=False),
        Column("start_date", Date, nullable=False),  # local, of what it is for, both inclusive
        Column("end_date", Date, nullable=False),
        Column("amount_minor", BigInteger, nullable=False),
        Column("whole_minor", BigInteger, nullable=False),  # of the block
        Column("number", Integer, nullable=False),
        Column("parts", Integer, nullable=False),
        # where a block has a cost basis: what of it costs the whole, and what is paid for a unit
        Column("granted_minor", BigInteger),
        Column("cost_basis", Numeric),
        Column("statement_id", Uuid),
        Column("said", Text),  # the StatementMessage, as JSON text; null: not told yet
        ForeignKeyConstraint(
            ["contract", "period_start"], ["rating.periods.contract", "rating.periods.period_start"]
        ),
        Index("asked_beforehand_due", "due_at", postgresql_where=text("said is null")),
        Index("asked_beforehand_period", "contract", "period_start"),
    )
