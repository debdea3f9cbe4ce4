"""People, their sessions, their tries to sign in, and who changed what of them."""

from alembic import op

from shared.db.tables import audit_table

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

PEOPLE = """
create table console.people (
    name text primary key,
    role text not null
        constraint people_role check (role in ('finance', 'customer-success', 'engineer', 'leader', 'admin')),
    password_hash text,
    added_at timestamptz not null,
    ended_at timestamptz
);
create table console.sessions (
    id_hash bytea primary key,
    name text not null references console.people (name),
    begun_at timestamptz not null,
    expires_at timestamptz not null
);
create index sessions_name on console.sessions (name);
create index sessions_expiry on console.sessions (expires_at);
create table console.tries (
    who bytea not null,
    at timestamptz not null
);
create index tries_who on console.tries (who, at);
create index tries_at on console.tries (at);
"""


def upgrade() -> None:
    op.execute(PEOPLE + audit_table("console") + ";\ncreate index audit_verb on console.audit (verb, at)")


def downgrade() -> None:
    op.execute("drop table console.audit, console.tries, console.sessions, console.people")
