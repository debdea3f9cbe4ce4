"""How each legal entity is written: two that differ in capital letters alone would be numbered in one series."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create table rating.legal_entities (folded text primary key, name text not null)")
    # of several spellings of before the one that most contracts have
    op.execute("""
insert into rating.legal_entities (folded, name)
select distinct on (lower(name)) lower(name), name
from (select terms ->> 'legal_entity' as name, count(distinct contract) as contracts from rating.contract_versions
    where terms ->> 'legal_entity' is not null group by 1) as used
order by lower(name), contracts desc, name
""")


def downgrade() -> None:
    op.execute("drop table rating.legal_entities")
