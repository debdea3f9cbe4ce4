"""SQL of the roll-up of days."""

from datetime import date

import asyncpg

from services.rating.metering.fold.domain.rolled_up import RolledUp

SUBJECTS_MAX = 20_000  # looked at for one share
_UNITS = ", ".join(["1", *(f"0.{'0' * n}1" for n in range(12))])
_FITS = 2**62
#: Of the next subjects with how many rows of hours each and all before it.
_SHARE = """
    select max(subject_no) filter (where rows <= $4 or rows = own) as last, count(*) as seen,
        count(*) filter (where rows <= $4 or rows = own) as taken
    from (select subject_no, own, sum(own) over (order by subject_no) as rows from (
        select s.subject_no, (select count(*) from rating.usage_packed_hours p
            where p.subject_no = s.subject_no and p.hour >= $2::date::timestamp at time zone 'UTC'
                and p.hour < $3::date::timestamp at time zone 'UTC') as own
        from rating.usage_subjects s where s.subject_no > $1 order by s.subject_no limit $5) counted) share
"""
_ROLL_UP = f"""
    insert into rating.usage_packed_days as known (subject_no, day, scale, series, events, vals, wide)
    select subject_no, day, scale, series, events,
        case when largest * 10::numeric ^ scale < {_FITS} then
            (select array_agg((value * 10::numeric ^ scale)::bigint order by n)
                from unnest(sums) with ordinality s (value, n)) end,
        case when largest * 10::numeric ^ scale >= {_FITS} then sums end
    from (
        select subject_no, day, max(scale) as scale, max(abs(value)) as largest,
            array_agg(series_no order by series_no) as series, array_agg(events order by series_no) as events,
            array_agg(value order by series_no) as sums
        from (
            select p.subject_no, (p.hour at time zone 'UTC')::date as day, u.series_no, max(p.scale) as scale,
                sum(u.events)::bigint as events,
                sum(coalesce(u.wide, u.val * (array[{_UNITS}]::numeric[])[p.scale + 1])) as value
            from rating.usage_packed_hours p
            cross join lateral unnest(p.series, p.events, p.vals, p.wide) u (series_no, events, val, wide)
            where p.subject_no > $1 and p.subject_no <= $2 and p.hour >= $3::date::timestamp at time zone 'UTC'
                and p.hour < $4::date::timestamp at time zone 'UTC'
            group by 1, 2, 3) of_series
        group by 1, 2) packed
    on conflict (subject_no, day) do update set scale = excluded.scale, series = excluded.series,
        events = excluded.events, vals = excluded.vals, wide = excluded.wide
"""


class DaysRepository:
    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection

    async def roll_up(self, state: RolledUp, rows_max: int) -> RolledUp:
        """Roll up the days of the next subjects of a pass, of up to so many rows of hours and one subject at
        least; return what is rolled up then."""
        share = await self._connection.fetchrow(
            _SHARE, state.subject, state.before, state.rolling, rows_max, SUBJECTS_MAX
        )
        assert share is not None
        if share["taken"]:
            await self._connection.execute(
                _ROLL_UP, state.subject, share["last"], state.before, state.rolling
            )
        ended = share["taken"] == share["seen"] and share["seen"] < SUBJECTS_MAX
        after = (
            RolledUp(state.rolling, state.rolling, 0)
            if ended
            else RolledUp(state.before, state.rolling, share["last"])
        )
        await self._keep(after)
        return after

    async def _keep(self, state: RolledUp) -> None:
        await self._connection.execute(
            "update rating.fold_state set rolled_before = $1, rolling_before = $2, rolling_subject = $3",
            state.before,
            state.rolling,
            state.subject,
        )

    async def begin(self, state: RolledUp, before: date) -> RolledUp:
        """Begin a pass that rolls up the days before this one."""
        begun = RolledUp(state.before, before, 0)
        await self._keep(begun)
        return begun
