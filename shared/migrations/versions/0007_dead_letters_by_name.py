"""A dead letter has a name of its own and may be discarded by it: by whom and why stays with its bytes, for good."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

REFUSE = """create function bus.keep_discard() returns trigger language plpgsql as $$
    begin raise exception 'a discarded dead letter is history: its bytes, by whom and why stay as they are'; end $$"""
KEPT = """create trigger dead_letters_discarded before update on bus.dead_letters
    for each row when (old.discarded_at is not null) execute function bus.keep_discard()"""


def upgrade() -> None:
    op.execute("""alter table bus.dead_letters add index_ integer not null default 0 check (index_ >= 0),
        add discarded_at timestamptz, add discarded_by text, add discard_reason text""")
    op.execute(
        "alter table bus.dead_letters drop constraint dead_letters_pkey, add primary key (grp, topic, partition, offset_, index_)"
    )
    op.execute("""alter table bus.dead_letters
        add constraint dead_letters_discard check (num_nulls(discarded_at, discarded_by, discard_reason) in (0, 3)),
        add constraint dead_letters_one_end check (replayed_at is null or discarded_at is null)""")
    op.execute(
        "create index dead_letters_key on bus.dead_letters using hash (key)"
    )  # keys may be longer than a btree takes
    op.execute(REFUSE)
    op.execute(KEPT)


def downgrade() -> None:
    op.execute("drop trigger dead_letters_discarded on bus.dead_letters")
    op.execute("drop function bus.keep_discard")
    op.execute("drop index bus.dead_letters_key")
    op.execute(
        "alter table bus.dead_letters drop constraint dead_letters_pkey, add primary key (grp, topic, partition, offset_)"
    )
    op.execute(
        "alter table bus.dead_letters drop index_, drop discarded_at, drop discarded_by, drop discard_reason"
    )
