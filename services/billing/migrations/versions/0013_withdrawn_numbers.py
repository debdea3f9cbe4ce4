"""A number that was published for a document which a restored book does not have is withdrawn: never given again, and no gap that nobody explains."""

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""
create table billing.withdrawn_numbers (
    series text not null, counter bigint not null, withdrawn_at timestamptz not null default clock_timestamp(), primary key (series, counter)
)""")


def downgrade() -> None:
    op.execute("drop table billing.withdrawn_numbers")
