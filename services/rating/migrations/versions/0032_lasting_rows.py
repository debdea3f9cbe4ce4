"""Whether documents ask for a block stands on it: billing posts what none asks for. What lasts of the rows of before is
told again by the job `retelling`, as a topic that nobody was told of yet."""

from alembic import op

revision = "0032"
down_revision = "0031"
branch_labels = None
depends_on = None

#: A clause stays as it was agreed, so any version of the contract that has it will do.
ASKED_FOR = """
    update rating.blocks b set asked_for = true
    where b.clauses <> '[]' and exists (
        select from rating.block_contracts c join rating.contract_versions v using (contract)
        cross join lateral (
            select clause from jsonb_array_elements(coalesce(v.terms -> 'commitments', '[]')) clause
                where b.kind = 'commitment' and coalesce(clause ->> 'invoiced', 'upfront') <> 'none'
            union all
            select clause from jsonb_array_elements(coalesce(v.terms -> 'credits', '[]')) clause
                where b.kind = 'prepaid' and coalesce(clause ->> 'document', 'prepayment') <> 'none') agreed
        where c.block_id = b.block_id and clause ->> 'key' = b.key)
"""


def upgrade() -> None:
    op.execute("alter table rating.blocks add column asked_for boolean not null default false")
    op.execute(ASKED_FOR)


def downgrade() -> None:
    op.execute("alter table rating.blocks drop column asked_for")
