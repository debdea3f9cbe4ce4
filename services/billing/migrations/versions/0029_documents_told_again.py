"""All documents are told once more: signals keeps what they settle now, and of those it was told before it kept that they
were finalized and no line."""

from alembic import op

revision = "0029"
down_revision = "0028"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("delete from billing.retold where topic = 'billing.documents'")


def downgrade() -> None:
    """What was told again was told: nothing is to be taken back."""
