"""The journal books events of any source, each once: so far that a document is finalized."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

UPGRADE = (
    """alter table billing.journal_entries add column source_kind text, add column source_id text,
           add column event text, add column contract text, add column customer text,
           add column currency varchar(3)""",
    # What was posted stays as it was: an entry is told what its document says.
    "alter table billing.journal_entries disable trigger journal_entries_history",
    """update billing.journal_entries entry set source_kind = 'document', source_id = entry.document_id,
           event = 'finalized', contract = document.contract, customer = document.customer,
           currency = document.currency
       from billing.documents document where document.document_id = entry.document_id""",
    "alter table billing.journal_entries enable trigger journal_entries_history",
    """alter table billing.journal_entries alter column source_kind set not null,
           alter column source_id set not null, alter column event set not null,
           alter column customer set not null, alter column currency set not null,
           drop column document_id,
           add constraint journal_entries_source unique (source_kind, source_id, event)""",
    "create index journal_entries_customer on billing.journal_entries (customer, entry_id)",
    "create index journal_entries_contract on billing.journal_entries (contract, entry_id)",
)
DOWNGRADE = (
    "alter table billing.journal_entries add column document_id text references billing.documents",
    "alter table billing.journal_entries disable trigger journal_entries_history",
    "update billing.journal_entries set document_id = source_id",
    "alter table billing.journal_entries enable trigger journal_entries_history",
    """alter table billing.journal_entries alter column document_id set not null, drop column source_kind,
           drop column source_id, drop column event, drop column contract, drop column customer,
           drop column currency, add constraint journal_entries_document unique (document_id)""",
)


def upgrade() -> None:
    for statement in UPGRADE:
        op.execute(statement)


def downgrade() -> None:
    for statement in DOWNGRADE:
        op.execute(statement)
