"""A statement heard stays in its row up to 4 kB: it is replaced as often as every second, and compressing it costs more than its bytes."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table billing.statements_heard set (toast_tuple_target = 4080)")


def downgrade() -> None:
    op.execute("alter table billing.statements_heard reset (toast_tuple_target)")
