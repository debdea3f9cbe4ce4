"""A final statement is kept with the steps that led to it. Those that were final before have none, and none are made
up for them."""

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.statements add column explanation text")


def downgrade() -> None:
    op.execute("alter table rating.statements drop column explanation")
