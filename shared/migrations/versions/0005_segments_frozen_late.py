"""The log is written once and deleted whole: reading all of it again only to mark it as old took a tenth of the server's time under load."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table bus.segments set (toast.autovacuum_vacuum_insert_threshold = -1)")


def downgrade() -> None:
    op.execute("alter table bus.segments reset (toast.autovacuum_vacuum_insert_threshold)")
