"""The tables of the schema `billing`.

What a draft says is in `statements.document` (billing's copy of the statement, lines included) until it is
finalized; then its lines are written to `document_lines`, once, and neither they nor the document can change
any more. `documents` carries the header of both.
"""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Computed,
    Date,
    ForeignKey,
    Identity,
    Index,
    Integer,
    MetaData,
    Numeric,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, UUID

from services.billing.documents.domain.kinds import KINDS
from shared.db.listing import folded
from shared.db.tables import INSTANT, add_retold_table, add_standard_tables
from shared.replica.tables import add_chain_tables, add_page_table

_KINDS = ", ".join(f"'{name}'" for name in KINDS)

#: Where a document stands; what a statement lacks goes before what billing found.
STATE = """case when status = 'finalized' then 'finalized' when held is not null then 'held'
    when obstacle = 'awaiting_approval' then 'awaiting_approval' when obstacle is not null then 'held'
    when complete then 'due' else 'open' end"""

FINALIZED = text("status = 'finalized'")
RANKED_MINOR = "case when status = 'finalized' then total_minor end"
#: The change against the last period in millionths of that; from nothing it is more than any.
CHANGE = """(case when previous_minor is null then 0 when previous_minor = 0 then sign(total_minor) * 9e18
    else greatest(least(round((total_minor - previous_minor)::numeric * 1000000 / abs(previous_minor)), 9e18), -9e18)
    end)::bigint"""
RANKED_CHANGE = f"case when status = 'finalized' then {CHANGE} end"

metadata = MetaData(schema="billing")
add_standard_tables(metadata)
add_retold_table(metadata)
add_chain_tables(metadata)
add_page_table(metadata)

customers = Table(
    "customers",
    metadata,
    Column("customer_id", Text, primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("external_id", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("aliases", ARRAY(Text), nullable=False),
    Column("legal_entity", Text, nullable=False),
    Column("timezone", Text, nullable=False),
    Index("customers_external_id_begins", text(folded("external_id"))),
    Index("customers_name_begins", text(folded("name"))),
)

statements = Table(
    "statements",
    metadata,
    Column("statement_id", UUID(as_uuid=False), primary_key=True),
    Column("revision", BigInteger, nullable=False),
    Column("contract", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("period_start", INSTANT, nullable=False),
    Column("period_end", INSTANT, nullable=False),
    Column("occasion", Text, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("watermark", JSONB, nullable=False),  # {"usage.events partition": last batch id covered}
    # StatementMessage, whole (pages joined) but for its explanation, as JSON text
    Column("said", Text, nullable=False),
    # the same to read, made when it is read
    Column("document", JSONB, Computed("said::jsonb", persisted=False), nullable=False),
    # the steps by line, as JSON text; null of a draft, and of what was final before they were kept
    Column("explanation", Text),
    Index("statements_period", "contract", "period_start"),
)

documents = Table(
    "documents",
    metadata,
    Column("document_id", Text, primary_key=True),  # inv_…
    Column("kind", Text, nullable=False),
    Column("status", Text, nullable=False, server_default=text("'draft'")),
    Column("series", Text),
    Column("number", Text),
    Column("contract", Text, nullable=False),
    Column("customer_id", Text, nullable=False),
    Column("customer", Text, nullable=False),  # external id
    Column("customer_name", Text),  # as it was when the document was finalized
    Column("legal_entity", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("timezone", Text, nullable=False),
    Column("period_start", INSTANT, nullable=False),
    Column("period_end", INSTANT, nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),  # inclusive
    Column("occasion", Text, nullable=False),
    # all its statements are final
    Column("complete", Boolean, nullable=False, server_default=text("false")),
    Column("net_days", Integer, nullable=False),
    Column("skip_zero", Boolean, nullable=False, server_default=text("false")),
    Column("issued_on", Date),
    Column("due_on", Date),
    Column("subtotal_minor", BigInteger, nullable=False),
    Column("total_minor", BigInteger, nullable=False),
    Column("corrects", Text, ForeignKey("billing.documents.document_id")),
    # Machine clock: a draft that the gate holds is looked at again then.
    Column("held_until", INSTANT),
    # StatementHeld: why the statement that a draft follows is not whole.
    Column("held", JSONB),
    # what of billing is in a draft's way: the kind of its first exception
    Column("obstacle", Text),
    # Hold, Approval, Seen: what people said of a draft
    Column("hold", JSONB),
    Column("approval", JSONB),
    Column("seen", JSONB),
    # what the contract's last period came to, of a document of a period
    Column("previous_minor", BigInteger),
    Column("state", Text, Computed(STATE, persisted=True), nullable=False),
    Column("change", BigInteger, Computed(CHANGE, persisted=True), nullable=False),
    # By what finalized documents are sorted: null in drafts, whose amounts change too often for an index.
    Column("ranked_minor", BigInteger, Computed(RANKED_MINOR, persisted=True)),
    Column("ranked_change", BigInteger, Computed(RANKED_CHANGE, persisted=True)),
    Column("finalized_at", INSTANT),  # business clock
    Column("created_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    UniqueConstraint("series", "number", name="documents_series_number"),
    CheckConstraint(f"kind in ({_KINDS})", name="documents_kind"),
    CheckConstraint("status in ('draft', 'finalized')", name="documents_status"),
    CheckConstraint(
        "case status when 'finalized' then num_nulls(series, number, issued_on, due_on, finalized_at, customer_name) = 0 "
        "else num_nonnulls(series, number, issued_on, due_on, finalized_at) = 0 end",
        name="documents_numbered_when_finalized",
    ),
    UniqueConstraint("contract", "period_start", "occasion", name="documents_occasion"),
    Index("documents_customer", "customer", "document_id"),
    Index("documents_contract", "contract", "document_id"),
    Index(
        "documents_due",
        "legal_entity",
        "period_start",
        "contract",
        postgresql_where=text("status = 'draft' and complete"),
    ),
    Index("documents_state", "state", "document_id", postgresql_where=text("status = 'draft'")),
    Index("documents_amount", "currency", "ranked_minor", "document_id", postgresql_where=FINALIZED),
    Index("documents_change", "ranked_change", "document_id", postgresql_where=FINALIZED),
    Index("documents_issued", "issued_on", "document_id", postgresql_where=FINALIZED),
    Index("documents_due_on", "due_on", "document_id", postgresql_where=FINALIZED),
    # What a month has come to: of the periods that end in it.
    Index("documents_ends", "end_date", "document_id", postgresql_where=FINALIZED),
    # Drafts are the newest.
    Index("documents_finalized", "document_id", postgresql_where=FINALIZED),
    Index("documents_drafts", "document_id", postgresql_where=text("status = 'draft'")),
    Index("documents_drafts_of", "customer", "document_id", postgresql_where=text("status = 'draft'")),
    Index("documents_number_begins", text(folded("number"))),
    Index("documents_contract_begins", text(folded("contract"))),
    # Who deletes a draft looks for what corrects it.
    Index("documents_corrects", "corrects", postgresql_where=text("corrects is not null")),
)

# What the documents in a state and of a currency come to is the sum of its rows: each change of them leaves one, by a trigger
# of `documents`, so that nobody waits for another; many are made into one.
document_sums = Table(
    "document_sums",
    metadata,
    Column("sum_id", BigInteger, Identity(always=True), primary_key=True),
    Column("state", Text, nullable=False),
    Column("currency", String(3), nullable=False),
    Column("documents", BigInteger, nullable=False),
    Column("total_minor", Numeric, nullable=False),
)

document_statements = Table(
    "document_statements",
    metadata,  # which each document is made from, and in which revision
    Column("statement_id", UUID(as_uuid=False), primary_key=True),
    Column(
        "document_id", Text, ForeignKey("billing.documents.document_id", ondelete="CASCADE"), nullable=False
    ),
    Column("contract", Text, nullable=False),
    Column("period_start", INSTANT, nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),  # inclusive
    Column("occasion", Text, nullable=False),
    Column("revision", BigInteger, nullable=False),
    Column("final", Boolean, nullable=False),
    Column("watermark", JSONB, nullable=False),  # {"usage.events partition": last batch id covered}
    Column("watermark_us", BigInteger, nullable=False),
    UniqueConstraint("contract", "period_start", "occasion", name="document_statements_occasion"),
    Index("document_statements_document", "document_id"),
)

document_lines = Table(
    "document_lines",
    metadata,  # of finalized documents
    Column("document_id", Text, ForeignKey("billing.documents.document_id"), primary_key=True),
    Column("position", Integer, primary_key=True),  # 1, 2, …
    Column("line_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("clause_id", Text, nullable=False),
    Column("clause_hash", Text, nullable=False),
    Column("version", Integer, nullable=False),
    Column("kind", Text, nullable=False),
    Column("meter", Text),
    Column("description", Text, nullable=False),
    Column("quantity", Numeric, nullable=False),
    Column("amount_minor", BigInteger, nullable=False),
    Column("segments", JSONB, nullable=False),
    # Whose it is: a document may be made from several statements.
    Column("contract", Text, nullable=False),
    Column("period_start", INSTANT, nullable=False),
    Column("start_date", Date, nullable=False),
    Column("end_date", Date, nullable=False),  # inclusive
    Column("statement_id", UUID(as_uuid=False), nullable=False),
    Column("tax_class", Text),
    # The line of an older document that it corrects.
    Column("corrects_document", Text, ForeignKey("billing.documents.document_id")),
    Column("corrects_line", Text),
    Column("draws", JSONB, nullable=False),  # LineDraw: what of it is paid from balances
    Column("steps", JSONB),  # StatementStep: how its amount came about; null: final before that was kept
    UniqueConstraint(
        "document_id",
        "line_id",
        "corrects_document",
        "corrects_line",
        name="document_lines_line",
        postgresql_nulls_not_distinct=True,
    ),
    CheckConstraint("num_nulls(corrects_document, corrects_line) <> 1", name="document_lines_corrects"),
    Index("document_lines_period", "contract", "period_start"),
    Index(
        "document_lines_corrects_document",
        "corrects_document",
        postgresql_where=text("corrects_document is not null"),
    ),
)

number_series = Table(
    "number_series",
    metadata,
    Column("series", Text, primary_key=True),  # DEFAULT-2013
    Column("next", BigInteger, nullable=False, server_default=text("1")),
    Column("issued_on", Date),  # of its last document; null before there is one
    # from this number on dates rise with numbers
    Column("dated_from", BigInteger, nullable=False, server_default=text("1")),
    CheckConstraint("next >= 1", name="number_series_next"),
)

#: Published for documents that a restored book does not have.
withdrawn_numbers = Table(
    "withdrawn_numbers",
    metadata,
    Column("series", Text, primary_key=True),
    Column("counter", BigInteger, primary_key=True, autoincrement=False),
    Column("withdrawn_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
)

journal_entries = Table(
    "journal_entries",
    metadata,
    Column("entry_id", Text, primary_key=True),  # jou_…
    # What it books: an event of a thing, once.
    Column("source_kind", Text, nullable=False),
    Column("source_id", Text, nullable=False),
    Column("event", Text, nullable=False),
    Column("contract", Text),  # null: of no one contract
    Column("customer", Text, nullable=False),  # external id
    Column("currency", String(3), nullable=False),
    Column("posted_on", Date, nullable=False),
    Column("description", Text, nullable=False),
    Column("created_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    UniqueConstraint("source_kind", "source_id", "event", name="journal_entries_source"),
    Index("journal_entries_customer", "customer", "entry_id"),
    Index("journal_entries_contract", "contract", "entry_id"),
)

journal_postings = Table(
    "journal_postings",
    metadata,
    Column("entry_id", Text, ForeignKey("billing.journal_entries.entry_id"), primary_key=True),
    Column("position", Integer, primary_key=True),
    Column("account", Text, nullable=False),  # receivable, revenue.usage, …
    Column("amount_minor", BigInteger, nullable=False),  # debit positive, credit negative
    Column("currency", String(3), nullable=False),
    Column("line_id", Text),  # the document line it books
    Column("block_id", Text),  # the block whose balance it changes
    CheckConstraint("amount_minor <> 0", name="journal_postings_not_zero"),
    Index("journal_postings_account", "account", "entry_id"),
    Index("journal_postings_block", "block_id", postgresql_where=text("block_id is not null")),
)

# Versions of when a final draft waits for an approval. History.
review_policies = Table(
    "review_policies",
    metadata,
    Column("version", Integer, CheckConstraint("version > 0"), primary_key=True, autoincrement=False),
    Column("above", JSONB, nullable=False),  # currency → minor units
    Column("changed_percent", Numeric),
    Column("reason", Text, nullable=False),
    Column("set_by", Text, nullable=False),  # actor
    Column("set_at", INSTANT, nullable=False),  # business clock
    Column("stamped_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
)

# Checks of the books that somebody asked for: one waits, and one is made, at a time.
conservation_checks = Table(
    "conservation_checks",
    metadata,
    Column("check_id", Text, primary_key=True),
    Column("by", Text, nullable=False),  # an actor, or `schedule`
    Column("state", Text, nullable=False, server_default=text("'waiting'")),
    Column("asked_at", INSTANT, nullable=False, server_default=text("clock_timestamp()")),
    Column("began_at", INSTANT),
    Column("done_at", INSTANT),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("fault", Text),  # why the last attempt broke off
    CheckConstraint("state in ('waiting', 'running', 'done')", name="conservation_checks_state"),
    Index("conservation_checks_waiting", "state", unique=True, postgresql_where=text("state = 'waiting'")),
    Index("conservation_checks_unfinished", "state", "check_id", postgresql_where=text("state <> 'done'")),
    Index("conservation_checks_done", "done_at", postgresql_where=text("state = 'done'")),
)

# What each of the five found, as soon as it is there.
conservation_results = Table(
    "conservation_results",
    metadata,
    Column("check_id", Text, ForeignKey("billing.conservation_checks.check_id"), primary_key=True),
    Column("k", Text, primary_key=True),
    Column("taken_at", INSTANT, nullable=False),  # machine clock
    Column("watermark", JSONB, nullable=False),  # what its snapshot saw of usage.events
    Column("seconds", Numeric, nullable=False),
    Column("holds", Boolean, nullable=False),
    Column("breaks_total", BigInteger, nullable=False),
    Column("said", JSONB, nullable=False),  # as the API shows it
)

# What waited on each day, as the last check of it found it.
waiting_days = Table(
    "waiting_days",
    metadata,
    Column("day", Date, primary_key=True),  # business clock, where the legal entities are
    Column("place", Text, primary_key=True),
    Column("reason", Text, primary_key=True),
    Column("owner", Text, primary_key=True),
    Column("currency", Text, primary_key=True),  # empty: the row that counts the events
    Column("amount_minor", BigInteger, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("unvalued", BigInteger, nullable=False),
    Column("taken_at", INSTANT, nullable=False),  # machine clock
    # first day of the month, or of the period, that the oldest of it is of
    Column("oldest", Date),
)

# From what was stored to what was invoiced on each of these days, a row a step.
waterfall_days = Table(
    "waterfall_days",
    metadata,
    Column("day", Date, primary_key=True),
    Column("currency", Text, primary_key=True),
    Column("step", Text, primary_key=True),
    Column("amount_minor", BigInteger, nullable=False),  # what is lost on the way below zero
)

# Suspense that somebody has accepted in writing, and what it came to then. Written only.
suspense_acceptances = Table(
    "suspense_acceptances",
    metadata,
    Column("acceptance_id", Text, primary_key=True),
    Column("customer", Text, nullable=False),  # external id, or a subject without a customer
    Column("type", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("events", BigInteger, nullable=False),
    Column("value", JSONB, nullable=False),  # currency → minor units at list price
    Column("by", Text, nullable=False),  # actor
    Column("because", Text, nullable=False),
    Column("at", INSTANT, nullable=False),  # business clock
)
