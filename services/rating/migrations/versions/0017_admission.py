"""Admission is a row: a group counts as itself where it has one, and in `other` where not. What was admitted before has its rows by this."""

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

OTHER = """'{"other":"true"}'"""
TABLES = (
    """
    create table rating.admitted_groups (
        meter text collate "C", meter_revision bigint, month date, subject text collate "C", grp text collate "C", since_batch bigint not null,
        primary key (meter, meter_revision, month, subject, grp)
    )
    """,
    """
    create table rating.group_limits (
        groups_max integer primary key check (groups_max > 0), since timestamptz not null default clock_timestamp()
    )
    """,
    """
    create table rating.named_values (
        meter text collate "C", dimension text collate "C", value text collate "C", since_batch bigint not null, primary key (meter, dimension, value)
    )
    """,
    """
    create table rating.recounts (
        meter text collate "C", subject text collate "C", month date, asked_at timestamptz not null default clock_timestamp(),
        primary key (meter, subject, month)
    )
    """,
    "alter table rating.meters add column counts_since bigint",
    "update rating.meters set counts_since = revision",
    "alter table rating.meters alter column counts_since set not null",
    "alter table rating.meter_versions disable trigger version_is_history",
    "alter table rating.meter_versions add column counts_since bigint",
    "update rating.meter_versions set counts_since = revision",
    "alter table rating.meter_versions alter column counts_since set not null",
    "alter table rating.meter_versions enable trigger version_is_history",
)
# A month without `other` had one list of groups for all subjects; where there was too much for that, a subject's rows were its admission.
ADMITTED = (
    f"""
    insert into rating.admitted_groups (meter, meter_revision, month, subject, grp, since_batch)
    select g.meter, m.counts_since, g.month, '', g.grp, 0 from rating.meter_groups g join rating.meters m using (meter)
    where g.grp = {OTHER} or not exists (select from rating.meter_groups o where (o.meter, o.month, o.grp) = (g.meter, g.month, {OTHER}))
    """,
    f"""
    insert into rating.admitted_groups (meter, meter_revision, month, subject, grp, since_batch)
    select distinct u.meter, m.counts_since, u.month, u.subject, u.grp, 0
    from (select meter, subject, grp, date_trunc('month', day)::date as month from rating.usage_days where grp <> '{{}}'
          union select meter, subject, grp, (date_trunc('month', hour, 'UTC') at time zone 'UTC')::date
          from rating.usage_uniques where grp <> '{{}}') u
    join rating.meters m using (meter)
    join rating.meter_groups o on (o.meter, o.month, o.grp) = (u.meter, u.month, {OTHER})
    """,
    "drop table rating.meter_groups",
    # The limit they were given room by was nowhere written; it was at least as wide as the widest.
    f"""
    insert into rating.group_limits (groups_max)
    select max(groups) from (
        select count(*) as groups from rating.admitted_groups where grp <> {OTHER} group by meter, meter_revision, month, subject) counted
    having max(groups) > 0
    """,
)
# Named after what was turned away so far (`other` since batch 0): open months are counted again, the others keep it.
NAMED = (
    """
    insert into rating.named_values (meter, dimension, value, since_batch)
    select distinct line ->> 'meter', named.key,
           case when octet_length(named.value) <= 128 then named.value else 'sha256:' || encode(sha256(convert_to(named.value, 'UTF8')), 'hex') end, 1
    from rating.contract_versions v
    cross join lateral jsonb_array_elements(v.terms -> 'lines') line
    cross join lateral jsonb_array_elements(case when line #>> '{price,model}' = 'matrix' then line #> '{price,rates}' else '[]' end) rate
    cross join lateral jsonb_each_text(rate - 'unit') named
    where line ->> 'kind' = 'usage'
    """,
    f"""
    insert into rating.recounts (meter, subject, month)
    select a.meter, a.subject, a.month from rating.admitted_groups a
    where a.grp = {OTHER} and a.subject <> '' and exists (select from rating.named_values n where n.meter = a.meter) and not exists (
        select from rating.periods p join rating.contracts c using (contract)
        where p.final and p.period_start < (a.month + interval '1 month')::timestamp at time zone 'UTC'
          and p.period_end > a.month::timestamp at time zone 'UTC' and (
              exists (select from rating.subjects s where s.customer_id = c.customer_id and s.subject = a.subject)
              or exists (select from rating.closed_subjects k
                         where (k.contract, k.period_start, k.subject) = (p.contract, p.period_start, a.subject))))
    """,
)


def upgrade() -> None:
    for statement in (*TABLES, *ADMITTED, *NAMED):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError(
        "what was admitted is not told from the aggregates alone; restore a backup instead"
    )
