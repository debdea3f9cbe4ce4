"""What corrections hand on, and to which period."""

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""alter table rating.corrections add column handed_on jsonb, add column handed_to timestamptz,
        add constraint corrections_handed check ((handed_on is null) = (handed_to is null))""")
    op.execute("""create index corrections_handed_to on rating.corrections (contract, handed_to)
        where handed_to is not null""")


def downgrade() -> None:
    op.execute("drop index rating.corrections_handed_to")
    op.execute("alter table rating.corrections drop column handed_on, drop column handed_to")
