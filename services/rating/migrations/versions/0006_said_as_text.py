"""A statement is written as the text it is told as; `document` reads it as JSON. Making jsonb of each revision was two thirds of storing it."""

from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("alter table rating.statements disable trigger final_is_history")
    op.execute("alter table rating.statements add column said text")
    op.execute("update rating.statements set said = document::text")
    op.execute("alter table rating.statements alter column said set not null, drop column document")
    op.execute(
        "alter table rating.statements add column document jsonb not null generated always as (said::jsonb) virtual"
    )
    op.execute("alter table rating.statements enable trigger final_is_history")


def downgrade() -> None:
    op.execute("alter table rating.statements disable trigger final_is_history")
    op.execute("alter table rating.statements drop column document, add column document jsonb")
    op.execute("update rating.statements set document = said::jsonb")
    op.execute("alter table rating.statements alter column document set not null, drop column said")
    op.execute("alter table rating.statements enable trigger final_is_history")
