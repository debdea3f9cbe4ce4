"""A statement heard is kept as the text it travelled as; `document` reads it as JSON, and only who reads it pays for that."""

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table billing.statements_heard add column said text")
    op.execute("update billing.statements_heard set said = document::text")
    op.execute("alter table billing.statements_heard alter column said set not null, drop column document")
    op.execute(
        "alter table billing.statements_heard add column document jsonb not null generated always as (said::jsonb) virtual"
    )


def downgrade() -> None:
    op.execute("alter table billing.statements_heard drop column document, add column document jsonb")
    op.execute("update billing.statements_heard set document = said::jsonb")
    op.execute("alter table billing.statements_heard alter column document set not null, drop column said")
