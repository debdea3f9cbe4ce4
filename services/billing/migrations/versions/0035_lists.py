"""Lists of documents by amount, change, days, customer and by how a name begins: of a million of them a page is found by an
index. What a draft changes with each revision is in none."""

from alembic import op

revision = "0035"
down_revision = "0034"
branch_labels = None
depends_on = None

CHANGE = """(case when previous_minor is null then 0 when previous_minor = 0 then sign(total_minor) * 9e18
    else greatest(least(round((total_minor - previous_minor)::numeric * 1000000 / abs(previous_minor)), 9e18), -9e18)
    end)::bigint"""
COLUMNS = f"""alter table billing.documents
    add column change bigint not null generated always as ({CHANGE}) stored,
    add column ranked_minor bigint generated always as (case when status = 'finalized' then total_minor end) stored,
    add column ranked_change bigint generated always as (case when status = 'finalized' then {CHANGE} end) stored"""
INDEXES = {
    "documents_amount": "documents (currency, ranked_minor, document_id) where status = 'finalized'",
    "documents_change": "documents (ranked_change, document_id) where status = 'finalized'",
    "documents_issued": "documents (issued_on, document_id) where status = 'finalized'",
    "documents_due_on": "documents (due_on, document_id) where status = 'finalized'",
    "documents_drafts": "documents (document_id) where status = 'draft'",
    "documents_drafts_of": "documents (customer, document_id) where status = 'draft'",
    "documents_number_begins": 'documents (lower(number collate "pg_c_utf8"))',
    "documents_contract_begins": 'documents (lower(contract collate "pg_c_utf8"))',
    "customers_external_id_begins": 'customers (lower(external_id collate "pg_c_utf8"))',
    "customers_name_begins": 'customers (lower(name collate "pg_c_utf8"))',
}


def upgrade() -> None:
    op.execute(COLUMNS)
    for name, on in INDEXES.items():
        op.execute(f"create index {name} on billing.{on}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"drop index billing.{name}")
    op.execute(
        "alter table billing.documents drop column change, drop column ranked_minor, drop column ranked_change"
    )
