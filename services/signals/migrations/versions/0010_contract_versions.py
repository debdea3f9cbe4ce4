"""Versions of a contract are kept one by one: a chain as one value had outgrown what a message may hold."""

from alembic import op

from shared.replica.tables import chains_apart, chains_whole

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for statement in chains_apart("signals"):
        op.execute(statement)


def downgrade() -> None:
    for statement in chains_whole("signals"):
        op.execute(statement)
