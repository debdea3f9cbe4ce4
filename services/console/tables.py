"""The tables of the schema `console`: people, their sessions, their tries to sign in, views
that they saved, and who changed what."""

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from shared.db.tables import INSTANT, add_audit_table

metadata = MetaData(schema="console")
add_audit_table(metadata)

people = Table(
    "people",
    metadata,
    # by which they sign in, and which stands in the services' audit rows: never given to somebody else
    Column("name", Text, primary_key=True),
    Column("role", Text, nullable=False),
    Column("password_hash", Text),  # argon2id; null: no password opens it
    Column("added_at", INSTANT, nullable=False),
    Column("ended_at", INSTANT),
    Column("has_letters", Boolean, nullable=False, server_default=text("true")),
    CheckConstraint(
        "role in ('finance', 'customer-success', 'engineer', 'leader', 'admin')", name="people_role"
    ),
)

sessions = Table(
    "sessions",
    metadata,
    Column("id_hash", LargeBinary, primary_key=True),  # SHA-256; the id is the browser's alone
    Column("name", Text, ForeignKey("console.people.name"), nullable=False),
    Column("begun_at", INSTANT, nullable=False),
    Column("expires_at", INSTANT, nullable=False),
    Index("sessions_name", "name"),
    Index("sessions_expiry", "expires_at"),
)

# Of the last minute. Who is a hash: a name that was typed may be a password.
tries = Table(
    "tries",
    metadata,
    Column("who", LargeBinary, nullable=False),
    Column("at", INSTANT, nullable=False),
    Index("tries_who", "who", "at"),
    Index("tries_at", "at"),
)

# Filters of a list under a name.
views = Table(
    "views",
    metadata,
    Column("view_id", Text, primary_key=True),
    Column("owner", Text, ForeignKey("console.people.name"), nullable=False),
    Column("page", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False),
    Column("is_shared", Boolean, nullable=False),
    Column("saved_at", INSTANT, nullable=False),
    UniqueConstraint("owner", "page", "name", name="views_name"),
    Index("views_shared", "page", postgresql_where=text("is_shared")),
)
