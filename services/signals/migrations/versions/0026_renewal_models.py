"""What is learned from outcomes is kept: whether a customer renews is foretold by the newest."""

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("""create table signals.renewal_models (
        said_id bigint primary key, at timestamptz not null, outcomes integer not null, model jsonb not null)""")


def downgrade() -> None:
    op.execute("drop table signals.renewal_models")
