"""What a correction says and its steps are written once, read soon and few: compressing them took longer than writing
them as they are, in two and a half times the space."""

from alembic import op

revision = "0053"
down_revision = "0052"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "alter table rating.corrections alter said set storage external, alter explanation set storage external"
    )


def downgrade() -> None:
    op.execute(
        "alter table rating.corrections alter said set storage extended, alter explanation set storage extended"
    )
