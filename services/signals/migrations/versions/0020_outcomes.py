"""What became of a term is a word of somebody, or judged by what followed, and both are kept. Of before, every term that ran
into the next one was recorded as renewed, also of who was silent for months: those are judged anew.

Who said a word of before is told by its audit row. Of those without one, from before there was an audit, a person's are
that a renewal contracted or expanded, that somebody churned whose contract went on, and all that was said of what is no
renewal: nothing else ever recorded these. The rest the product recorded by itself.
"""

from alembic import op

revision = "0020"
down_revision = "0024"
branch_labels = None
depends_on = None

TABLES = (
    """create table signals.renewals (
        contract text not null, term_end date not null, customer_id text not null, goes_on boolean not null,
        look_on date, primary key (contract, term_end))""",
    "create index renewals_due on signals.renewals (look_on) where look_on is not null",
    """create table signals.outcomes (
        said_id bigint generated always as identity primary key, signal_id text, contract text, term_end date,
        outcome text not null, by text, at timestamptz not null, evidence jsonb,
        constraint outcomes_term check (num_nulls(contract, term_end) <> 1),
        constraint outcomes_word check (case when by is null
            then num_nulls(contract, evidence) = 0 and signal_id is null
            else evidence is null and signal_id is not null end))""",
    "create index outcomes_of_term on signals.outcomes (contract, term_end, said_id)",
    "create index outcomes_of_signal on signals.outcomes (signal_id, said_id) where signal_id is not null",
    "alter table signals.statements add column asks boolean",
)
# Facts with the term that they are about, and whether it was seen that the contract did not go on after it.
FACTS = """
    facts as (
        select f.*, r.is_term, case when r.is_term then f.contract end as of_contract,
            case when r.is_term then (f.data ->> 'term_end')::date end as of_term,
            s.next_on, coalesce(s.state #>> array['contracts', f.contract, 'over'] = 'true'
                and s.state #>> array['contracts', f.contract, 'term_end'] = f.data ->> 'term_end', false) as is_over
        from signals.facts f left join signals.customer_states s using (customer_id)
        cross join lateral (select f.type in ('renewal.due', 'renewal.at_risk') and f.contract is not null
            and f.data ->> 'term_end' is not null as is_term) r)
"""
ENDED = f"""
    with {FACTS}
    insert into signals.renewals (contract, term_end, customer_id, goes_on, look_on)
    select of_contract, of_term, min(customer_id), not bool_or(is_over), (of_term + interval '3 months')::date
    from facts where is_term and next_on > of_term group by of_contract, of_term
"""
SAID = f"""
    with {FACTS},
    audited as (
        select f.signal_id, f.of_contract, f.of_term, a.after ->> 'outcome' as outcome, a.actor as by,
            coalesce((a.after ->> 'outcome_at')::timestamptz, a.at) as at, a.at as said_at
        from signals.audit a join facts f on f.signal_id = a.object_id
        where a.verb = 'record_signal_outcome' and a.object = 'signal' and a.after ->> 'outcome' is not null),
    before_audit as (
        select signal_id, of_contract, of_term, outcome, 'unknown' as by, coalesce(outcome_at, occurred_at) as at,
            coalesce(outcome_at, occurred_at) as said_at
        from facts
        where outcome is not null and signal_id not in (select signal_id from audited)
            and (not is_term or outcome in ('contracted', 'expanded') or outcome = 'churned' and not is_over))
    insert into signals.outcomes (signal_id, contract, term_end, outcome, by, at)
    select signal_id, of_contract, of_term, outcome, by, at
    from (select * from audited union all select * from before_audit) said order by said_at, signal_id
"""
STANDING = """
    update signals.facts f set (outcome, outcome_at) = (
        select o.outcome, o.at from signals.outcomes o
        where o.signal_id = f.signal_id or f.type in ('renewal.due', 'renewal.at_risk')
            and o.contract = f.contract and o.term_end::text = f.data ->> 'term_end'
        order by o.by is not null desc, o.said_id desc limit 1)
"""


def upgrade() -> None:
    for statement in (*TABLES, ENDED, SAID):
        op.execute(statement)
    op.execute("alter table signals.facts drop column outcome, drop column outcome_at")


def downgrade() -> None:
    """Each fact has what stands of its term."""
    op.execute("alter table signals.facts add column outcome text, add column outcome_at timestamptz")
    op.execute(STANDING)
    op.execute("alter table signals.statements drop column asks")
    op.execute("drop table signals.outcomes, signals.renewals")
