"""Saved views, and whether single letters are keys for a person."""

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

VIEWS = """
alter table console.people add column has_letters boolean not null default true;
create table console.views (
    view_id text primary key,
    owner text not null references console.people (name),
    page text not null,
    name text not null,
    query text not null,
    is_shared boolean not null,
    saved_at timestamptz not null,
    constraint views_name unique (owner, page, name)
);
create index views_shared on console.views (page) where is_shared;
"""


def upgrade() -> None:
    op.execute(VIEWS)


def downgrade() -> None:
    op.execute("drop table console.views; alter table console.people drop column has_letters")
