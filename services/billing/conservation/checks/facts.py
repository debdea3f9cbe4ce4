"""The SQL that K3, K4 and the reconciliation share: what a meter takes, which terms hold when, and the
decision table.

Current terms as this checker reads them, on its own: a contract is in force from the term's first local
midnight in its newest version (or from when its first version takes effect, if later) to the term's last one,
for ever when it renews by itself; at an instant the highest version effective by then holds. `rating.periods`
is not asked: the clock opens periods, so it is one of the things to check.
"""

#: Where the checker reads what was stored and what was added up; no other file of it names these tables. When
#: storage moves, this moves.
EVENTS = "rating.events"
DELTAS = "rating.usage_deltas"
FOLD = "rating.fold_state"
PACKED_HOURS, PACKED_DAYS = "rating.usage_packed_hours", "rating.usage_packed_days"
PACKED_ITEMS = "rating.usage_items"
#: Aggregates of before the fold that no packed row holds yet.
OLD_HOURS, OLD_DAYS, OLD_ITEMS = "rating.old_usage_hours", "rating.old_usage_days", "rating.old_usage_uniques"

#: CTE. `folded`: how far the fold has come, by partition. What came after it is in no aggregate.
FOLDED = f"""
    folded as materialized (
        select w.partition::smallint as partition, w.batch_id::bigint as batch_id
        from {FOLD} f cross join lateral jsonb_each_text(f.watermark) w (partition, batch_id)
    )"""
#: Joins: the series of `series_no` with its meter and group, where readers see it; the subject of `p`.
_NAMED = """join rating.usage_series n using (series_no)
        join rating.series_read r on r.meter = n.meter and r.since = n.since
        join rating.usage_subjects s on s.subject_no = p.subject_no"""
#: Whether the day of an hour of `p` is rolled up: subjects take turns, by their number.
_ROLLED = f"""(p.hour at time zone 'UTC')::date < case when p.subject_no <= (select rolling_subject from {FOLD})
            then (select rolling_before from {FOLD}) else (select rolled_before from {FOLD}) end"""


def _unpacked(table: str, bucket: str, condition: str = "true") -> str:
    """SQL: a row for each element of the packed rows: an integer in units of its row's scale, or exact."""
    return f"""
        select s.subject, n.meter, n.since, n.grp, p.{bucket}, u.events,
            coalesce(u.exact, u.units * ('1e-' || p.scale)::numeric) as value, false as old
        from {table} p
        cross join lateral unnest(p.series, p.events, p.vals, p.wide) u (series_no, events, units, exact)
        {_NAMED} where {condition}"""


def _kept(table: str, bucket: str) -> str:
    return f"""select subject, meter, r.since, grp, {bucket}, events, value, true
            from {table} join rating.series_read r using (meter)"""


#: Relations (subject, meter, since, grp, hour or day, events, value, old), by what they hold; `uniques` has an
#: item in place of the value. `rolled`: the hours that days must hold too.
AGGREGATES = {
    "hours": f"({_unpacked(PACKED_HOURS, 'hour')} union all {_kept(OLD_HOURS, 'hour')})",
    "rolled": f"({_unpacked(PACKED_HOURS, 'hour', _ROLLED)} union all {_kept(OLD_HOURS, 'hour')})",
    "days": f"({_unpacked(PACKED_DAYS, 'day')} union all {_kept(OLD_DAYS, 'day')})",
    "uniques": f"""(
        select s.subject, n.meter, n.since, n.grp, p.hour, p.item, p.events, false as old
        from {PACKED_ITEMS} p {_NAMED}
        union all
        select subject, meter, r.since, grp, hour, item, events, true
        from {OLD_ITEMS} join rating.series_read r using (meter))""",
}

#: Relation: each statement as it was settled last: by its last correction (`run` 1, 2, …) or, without one, by itself.
LAST_STATEMENTS = """(
        select s.contract, s.period_start, s.final, coalesce(c.run, 0) as run, s.revision as final_revision,
            coalesce(c.revision, s.revision) as revision, coalesce(c.watermark, s.watermark) as watermark,
            coalesce(c.document, s.document) as document, c.taken_out, c.taken_out_of
        from rating.statements s
        left join lateral (select run, revision, watermark, document, taken_out, taken_out_of
            from rating.corrections c
            where c.contract = s.contract and c.period_start = s.period_start order by run desc limit 1) c on s.final)"""
#: Relation: whose usage that covers; of a subject that had left by then, up to `batches` alone, without what was
#: `taken_out` of them.
LAST_SUBJECTS = """(
        select contract, period_start, 0 as run, subject, null::jsonb as batches, null::jsonb as taken_out
        from rating.closed_subjects
        union all select contract, period_start, run, subject, batches, taken_out from rating.corrected_subjects)"""


def among(stretches: str, row: str) -> str:
    """SQL: whether the batch of a row of events or voids is in stretches of batches (jsonb): {"partition": [[after,
    up to, or null], …]}."""
    return f"""exists (select from jsonb_array_elements({stretches} -> {row}.partition::text) r
        where {row}.batch_id > (r ->> 0)::bigint and ((r ->> 1) is null or {row}.batch_id <= (r ->> 1)::bigint))"""


#: Of a meter's field, filter or dimension.
PATH_NAMES_MAX = 4
#: A decimal as the door lets it in, in a string; anything else adds nothing to a meter.
DECIMAL = r"^[+-]?[0-9]{1,19}(\.[0-9]{1,12})?$"

#: CTE. `meter`: the catalogue, with dotted names of fields and dimensions as paths into `data`.
METERS = """
    meter as materialized (
        select m.meter, m.event_type, m.aggregation, m.list_currency, m.list_unit, m.backfilled,
            m.counts_since,
               string_to_array(m.field, '.') as field,
               m.group_by as dimensions, string_to_array(m.group_by[1], '.') as first_path,
                   string_to_array(m.group_by[2], '.') as second_path,
               (select jsonb_agg(jsonb_build_object('path', string_to_array(f.key, '.'), 'values', f.value))
                   from jsonb_each(m.filters) f) as filters
        from rating.meters m
    )"""


#: CTE. `meter_version`: every version of every meter, as far as it decides what is counted.
METER_VERSIONS = """
    meter_version as materialized (
        select m.meter, m.revision, m.counts_since, m.event_type, m.aggregation, m.group_by as dimensions,
            string_to_array(m.field, '.') as field, string_to_array(m.group_by[1], '.') as first_path,
                string_to_array(m.group_by[2], '.') as second_path,
               (select jsonb_agg(jsonb_build_object('path', string_to_array(f.key, '.'), 'values', f.value))
                   from jsonb_each(m.filters) f) as filters
        from rating.meter_versions m
    )"""


def version_of(statement: str, meter: str) -> str:
    """SQL: the revision of a meter that a statement was counted by: the one it names or, priced before any
    was named, the newest there was."""
    return f"""coalesce(({statement}.document -> 'meters' ->> {meter})::bigint, (
        select max(v.revision) from rating.meter_versions v
            where v.meter = {meter} and v.revision <= {statement}.revision))"""


def at(path: str) -> str:
    """SQL: what stands in the data of event `e` at a path (text[]) of up to four names. A list has no names:
    `#>` would take one for its place."""
    names = [f" -> ({path})[{n}]" for n in range(1, PATH_NAMES_MAX + 1)]
    cases = " ".join(f"when {n} then e.data{''.join(names[:n])}" for n in range(1, PATH_NAMES_MAX + 1))
    return f"(case cardinality({path}) {cases} end)"


def label(raw: str) -> str:
    """SQL: a dimension's or unique item's value as text: "" where absent or no scalar; long texts, those of
    numbers too, stand as their hash."""
    text = f"({raw} #>> '{{}}')"
    return f"""case jsonb_typeof({raw})
        when 'string' then {_short(text)} when 'number' then {_short(f"trim_scale({text}::numeric)::text")} when 'boolean' then {text} else '' end"""


def _short(text: str) -> str:
    return f"case when octet_length({text}) <= 128 then {text} else 'sha256:' || encode(sha256(convert_to({text}, 'UTF8')), 'hex') end"


def quantity(raw: str) -> str:
    """SQL: the number a sum meter reads (a JSON number, or a decimal in a string), null where it reads
    none."""
    number, text = f"({raw})::numeric", f"({raw} #>> '{{}}')"
    return f"""case jsonb_typeof({raw})
        when 'number' then case when abs({number}) < 1e19 and scale(trim_scale({number})) <= 12 then {number} end
        when 'string' then case when {text} ~ '{DECIMAL}' then {text}::numeric end end"""


#: What one event (a fact, as `e`) adds to meter `m`.
ADDS = f"case m.aggregation when 'count' then 1 when 'sum' then {quantity(at('m.field'))} end"
ITEM = f"case m.aggregation when 'unique' then nullif({label(at('m.field'))}, '') end"

#: Whether meter `m` (of METERS) takes event `e`: its type and every filter match.
TAKES = f"""(m.event_type = e.type and (m.filters is null or not exists (
    select from jsonb_to_recordset(m.filters) f (path text[], "values" jsonb)
        where not f."values" ? ({label(at("f.path"))}))))"""

#: The group of meter `m` that event `e` falls into.
#: One and two dimensions, which is what most meters have, cost a third of the general form.
GROUP = f"""case cardinality(m.dimensions) when 0 then '{{}}'::jsonb
    when 1 then jsonb_build_object(m.dimensions[1], {label(at("m.first_path"))})
    when 2 then jsonb_build_object(m.dimensions[1], {label(at("m.first_path"))}, m.dimensions[2],
        {label(at("m.second_path"))})
    else (select jsonb_object_agg(dimension, {label(at("string_to_array(dimension, '.')"))})
        from unnest(m.dimensions) dimension) end"""

#: CTEs. `span`: a version of a contract while it is in force, and the meters its lines use.
SPANS = (
    METERS
    + ","
    + METER_VERSIONS
    + """,
    newest as (
        select distinct on (contract) contract, terms, (terms #>> '{term,start}')::date as start, terms ->> 'timezone' as timezone
        from rating.contract_versions order by contract, version desc
    ),
    term as (
        select contract, start::timestamp at time zone timezone as begins,
               case when coalesce((terms #>> '{renewal,auto}')::boolean, false) or terms #>> '{term,months}' is null then 'infinity'::timestamptz
                    else (start + make_interval(months => (terms #>> '{term,months}')::integer))::timestamp at time zone timezone end as ends
        from newest
    ),
    version as (
        select v.contract, v.version, v.terms, greatest(v.effective_at, t.begins) as begins,
               least(t.ends, (select min(w.effective_at) from rating.contract_versions w
                              where w.contract = v.contract and w.version > v.version)) as ends
        from rating.contract_versions v join term t using (contract)
    ),
    span as materialized (
        select c.customer_id, v.contract, v.version, v.begins, v.ends,
               array(select line ->> 'meter' from jsonb_array_elements(v.terms -> 'lines') line
                   where line ->> 'kind' = 'usage') as meters
        from version v join rating.contracts c using (contract) where v.begins < v.ends
    )"""
)

#: SQL: the meters a statement (alias `{s}`) charges: those of its lines, and those it names.
METERS_OF = """select jsonb_object_keys({s}.document -> 'meters')
            union select line ->> 'meter' from jsonb_array_elements(coalesce({s}.document -> 'lines', '[]')) line where line ? 'meter'"""

#: CTEs after SPANS. `terms`: each customer's time cut where anything changes, so that an event meets at most
#: one row. `closed` holds the
#: final statements that cover it, by the meters they charge: [{contract, period_start, meter, watermark, out,
#: out_of, decided, subjects}], where a subject has null, or {out} of its own, or, as it had left by then, {batches, out};
#: `held` the open periods
#: that cannot be priced, with the exception that holds each: [{contract, period_start, meter, exception_id,
#: kind, owner}].
#: `closed.meters` says of each meter which version took other events than today's does (null: none did); in
#: an entry it is `otherwise`.
#: `away`: by subject, the final statements that closed with it and whose customer it means no more.
TERMS = (
    SPANS
    + f""",
    closed as materialized (
        select s.contract, c.customer_id, p.period_start, p.period_end, s.watermark, s.taken_out as out,
               s.taken_out_of as out_of,
               (select jsonb_agg(jsonb_build_object('decision', d.decision, 'after', d.after, 'up_to', d.up_to,
                        'subjects', d.subjects) order by d.sequence) from rating.late_decisions d
                    where (d.contract, d.period_start) = (s.contract, s.period_start)) as decided,
               (select jsonb_object_agg(named.meter, (
                    select v.revision from meter_version v join meter m using (meter)
                    where v.meter = named.meter and v.revision = {version_of("s", "named.meter")}
                        and v.filters is distinct from m.filters))
                from ({METERS_OF.format(s="s")}) named (meter)) as meters,
               (select jsonb_object_agg(k.subject, case when k.batches is not null then
                    jsonb_build_object('batches', k.batches, 'out', k.taken_out)
                    when s.taken_out_of ? k.subject then jsonb_build_object('out', s.taken_out_of -> k.subject)
                    end) from {LAST_SUBJECTS} k
                where (k.contract, k.period_start, k.run) = (s.contract, s.period_start, s.run)) as subjects
        from {LAST_STATEMENTS} s join rating.periods p using (contract, period_start)
            join rating.contracts c using (contract) where s.final
    ),
    away as materialized (
        select k.subject, jsonb_agg(jsonb_build_object('contract', c.contract, 'customer_id', c.customer_id,
            'period_start', c.period_start,
                                                       'period_end', c.period_end, 'meters', c.meters, 'out', c.out,
                                                       'out_of', c.out_of, 'decided', c.decided,
                                                       'watermark', c.watermark,
                                                       'subject', k.until)) as closed
        from closed c cross join lateral jsonb_each(c.subjects) k (subject, until)
            left join rating.subjects s on s.subject = k.subject
        where s.customer_id is distinct from c.customer_id group by k.subject
    ),
    held as materialized (
        select p.contract, p.period_start, p.period_end, x.exception_id, x.kind, x.owner
        from rating.exceptions x join rating.periods p
            on x.reference = p.contract || ':' || to_char(p.start_date, 'YYYY-MM-DD')
        where x.kind = 'pricing_failed' and x.resolved_at is null and not p.final
    ),
    edge as (
        select customer_id, edge.at from span cross join lateral (values (begins), (ends)) edge (at)
        union select span.customer_id, edge.at
        from span join closed using (contract) cross join lateral
            (values (closed.period_start), (closed.period_end)) edge (at)
        union select span.customer_id, edge.at
        from span join held using (contract) cross join lateral
            (values (held.period_start), (held.period_end)) edge (at)
    ),
    stretch as (select customer_id, at as begins, lead(at) over (partition by customer_id order by at) as ends
        from edge),
    terms as materialized (
        select s.customer_id, s.begins, s.ends, coalesce(array_agg(distinct meter) filter
            (where meter is not null), '{{}}') as lined,
               jsonb_agg(jsonb_build_object('contract', c.contract, 'period_start', c.period_start, 'meter',
                   meter,
                                            'otherwise', c.meters -> meter, 'watermark', c.watermark,
                                                'out', c.out, 'out_of', c.out_of, 'decided', c.decided,
                                                'subjects', c.subjects))
                   filter (where c.contract is not null and meter is not null) as closed,
               jsonb_agg(jsonb_build_object('contract', h.contract, 'period_start', h.period_start, 'meter',
                   meter,
                                            'exception_id', h.exception_id, 'kind', h.kind, 'owner', h.owner))
                   filter (where h.contract is not null and meter is not null) as held
        from stretch s
        join span p on p.customer_id = s.customer_id and p.begins <= s.begins and s.ends <= p.ends
        left join lateral unnest(p.meters) meter on true
        left join closed c on c.contract = p.contract and c.period_start <= s.begins
            and s.ends <= c.period_end
        left join held h on h.contract = p.contract and h.period_start <= s.begins and s.ends <= h.period_end
        group by s.customer_id, s.begins, s.ends
    )"""
)


def _had(subject: str) -> str:
    """SQL: whether a final statement `c` had event `e` of this entry of its subjects (jsonb) within its cut."""
    out = f"(case when jsonb_typeof({subject}) = 'object' then {subject} -> 'out' else c -> 'out' end)"
    return f"""(e.batch_id <= coalesce((coalesce({subject} -> 'batches', c -> 'watermark') ->> e.partition::text)::bigint, 0)
            and not {among(out, "e")})"""


#: Whether event `e`, whose subject `whose` the statement has, or its void `v` came after the cut of a final statement `c`
#: that charges it.
EVENT_LATE = f"""not (whose.subject is not null and {_had("whose.subject")})"""
#: Whether a final statement `c` of `away` had event `e` within its cut.
GONE = f"""(c ->> 'period_start')::timestamptz <= e.time and e.time < (c ->> 'period_end')::timestamptz
            and {_had("(c -> 'subject')")}"""
VOID_LATE = (
    "(v.batch_id > coalesce((c -> 'watermark' ->> v.partition::text)::bigint, 0) or "
    + among("coalesce(c -> 'out_of' -> e.subject, c -> 'out')", "v")
    + ")"
)


def waived(row: str) -> str:
    """SQL: whether it was decided that a row of events or voids, of event `e`, is never of a final statement `c`: by the
    first decision about its subject and its batch. What was accepted is what the first decision of a partition begins
    after."""
    return f"""coalesce((select d ->> 'decision' = 'waive'
            and {row}.batch_id > (select (x -> 'after' ->> {row}.partition::text)::bigint
                from jsonb_array_elements(nullif(c -> 'decided', 'null')) with ordinality y (x, n)
                where x -> 'after' ? {row}.partition::text order by n limit 1)
            from jsonb_array_elements(nullif(c -> 'decided', 'null')) with ordinality z (d, n)
            where d -> 'subjects' ? e.subject
                and {row}.batch_id <= (d -> 'up_to' ->> {row}.partition::text)::bigint
            order by n limit 1), false)"""


#: Such a void, and nobody decided that the statement stays.
VOID_HELD = f"({VOID_LATE} and not {waived('v')})"


def took(meter: str, otherwise: str) -> str:
    """SQL: whether a meter took event `e` in the version a statement names; `otherwise` (jsonb) is its
    revision where that differs from today's."""
    return f"""case when coalesce({otherwise}, 'null') = 'null' then {meter} = any (taken.meters)
        else exists (
                select from meter_version m where m.meter = {meter} and m.revision = ({otherwise})::bigint
                    and {TAKES}) end"""


#: CTE after TERMS: one row an event, with the facts the decision table asks for.
_FACTS = f""",
    facts as (
        select e.batch_id, e.seq, e.partition, e.key, e.source, e.id, e.subject, e.type, e.time,
            e.received_at, e.data, s.customer_id,
               coalesce(gone.customer_id, s.customer_id) as whose_id,
               v.key is not null as void,
               v.batch_id as void_batch_id,
               s.customer_id is not null as known,
               coalesce(taken.meters, '{{}}') <> '{{}}' as metered,
               t.customer_id is not null as in_force,
               coalesce(t.lined && taken.meters, false) as lined,
               coalesce(cut.late, false) as late,
               coalesce(cut.void_late, false) or coalesce(gone.void_late, false) as void_late,
               coalesce(cut.void_held, false) or coalesce(gone.void_held, false) as void_held,
               coalesce(cut.counted, false) or gone.customer_id is not null as counted,
               gone.customer_id is not null as gone,
               coalesce(cut.waived, false) as waived,
               t.held is not null and exists (
                   select from jsonb_array_elements(t.held) h where h ->> 'meter' = any (taken.meters)) as
                       held,
               taken.meters, coalesce(gone.closed, t.closed) as closed, t.held as holds
        from {EVENTS} e
        left join rating.voids v using (key)
        left join rating.subjects s on s.subject = e.subject
        left join lateral (select array_agg(m.meter) as meters from meter m where {TAKES}) taken on true
        left join terms t on t.customer_id = s.customer_id and t.begins <= e.time and e.time < t.ends
        left join away a on a.subject = e.subject
        left join lateral (
            select min(c ->> 'customer_id') as customer_id, bool_or({VOID_LATE}) as void_late,
                bool_or({VOID_HELD}) as void_held, array_agg(named.meter) as meters,
                   jsonb_agg(distinct c || jsonb_build_object('meter', named.meter)) as closed
            from jsonb_array_elements(a.closed) c cross join lateral jsonb_each(c -> 'meters') named
                (meter, otherwise)
            where {GONE} and {took("named.meter", "named.otherwise")}
        ) gone on a.subject is not null
        left join lateral (
            select bool_or(had.counted) as counted, bool_or(had.counted and {VOID_LATE}) as void_late,
                   bool_or(had.counted and {VOID_HELD}) as void_held,
                   bool_or(c ->> 'meter' = any (taken.meters) and not had.counted) as late,
                   bool_or(c ->> 'meter' = any (taken.meters) and not had.counted
                       and {waived("e")}) as waived
            from jsonb_array_elements(t.closed) c
            cross join lateral (select c -> 'subjects' -> e.subject as subject offset 0) whose
            cross join lateral (select {took("c ->> 'meter'", "c -> 'otherwise'")}
                and not ({EVENT_LATE}) as counted) had
            where gone.meters is null or not c ->> 'meter' = any (gone.meters)
        ) cut on t.closed is not null
        where """


def facts_where(condition: str) -> str:
    """CTEs up to `facts`, for the events `e` (subjects `s`) that a condition of ours, with its own $n
    parameters, selects."""
    return f"{TERMS}{_FACTS}{condition}\n    )"


#: The decision table of K3 over `facts`. `counted`: a final statement had the event within its cut, whoever
#: its subject means now; `late`: one
#: that charges it by today's terms lacks it. What a final statement counts stays applied there: a void that
#: came after the cut, or a subject
#: that left after it, changes no statement and is itself held late.
VOIDED = "(void and not (counted and void_late))"
PRICED = "(known and metered and in_force and lined)"
LATE = f"(not void and {PRICED} and late)"
WAITS = f"(not {VOIDED} and not counted)"
CONDITIONS = {
    "voided": VOIDED,
    "suspense": f"({WAITS} and not (known and metered and in_force))",
    "unpriced": f"({WAITS} and known and metered and in_force and not lined)",
    "held_late": f"({LATE} and not waived)",
    "waived_late": f"({LATE} and waived)",
    "held": f"({WAITS} and not {LATE} and {PRICED} and held)",
    "applied": f"(not {VOIDED} and not {LATE} and (counted or {PRICED} and not held))",
}
SUSPENSE = CONDITIONS["suspense"]
BUCKET = (
    "case "
    + " ".join(f"when {condition} then '{bucket}'" for bucket, condition in CONDITIONS.items())
    + " end"
)
#: Why it is in suspense, or held. Usage of a period that cannot be priced is on no statement: it waits with
#: the period's exception.
REASON = f"""case when {CONDITIONS["held"]} then 'pricing_failed' when not {SUSPENSE} then null
    when not known then 'no_customer' when not metered then 'no_meter' else 'no_contract' end"""
