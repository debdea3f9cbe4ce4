"""Whether a source of a document may change is asked for each row, by a look at one key: the plan of that is kept, and it
goes by the key however small the table was. It was planned anew for each row, which took as long as writing it."""

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        """alter function billing.refuse_change_of_source()
            set plan_cache_mode = force_generic_plan set enable_seqscan = off"""
    )


def downgrade() -> None:
    op.execute("alter function billing.refuse_change_of_source() reset all")
