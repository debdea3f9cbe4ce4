"""Many customers with what they did, as SQL writes them."""

from datetime import date, datetime

import msgspec

from services.signals.domain.local_day import due_at
from tests.services.signals.contracts import told_version, written
from tests.services.signals.deployment import Signals

DAY = date(2024, 6, 3)
FILL = """
insert into signals.customers select 'cus_' || n, 1, 'c' || n, 'Customer ' || n, 'America/New_York'
    from generate_series(1, $1::int) n
"""
FILL_ROLLUPS = """
insert into signals.rollups
select 'cus_' || n, 'calls', $2::date - 100, $2::date - 371,
    (select array_agg((5 + (n * 7 + d * 13) % 40)::bigint) from generate_series(1, 100) d),
    (select array_agg((200 + (n * 11 + w * 17) % 90)::bigint) from generate_series(1, 53) w),
    convert_to('[' || array_to_string(array(select '"' || (5 + (n * 7 + d * 13) % 40) || '"'
        from generate_series(1, 100) d), ',') || ']', 'UTF8'),
    100000, 0, null
from generate_series(1, $1::int) n
"""
FILL_SETTLED = """
insert into signals.settled
select 'inv_' || n || '_' || month, 'c' || n, $2::date - 30 * month - 29, 'calls', $2::date - 30 * month - 1, 'cus_' || n,
    'USD', (n * 7919) % 1000000, 0
from generate_series(1, $1::int) n cross join generate_series(0, 11) month
"""
FILL_STATES = "insert into signals.customer_states select 'cus_' || n, $2::date, $3::timestamptz, '{}'::jsonb from generate_series(1, $1::int) n"
FILL_CONTRACTS = "insert into signals.contracts select 'c' || n || '-2024', 1, 'cus_' || n, 'c' || n, 1 from generate_series(1, $1::int) n"
FILL_VERSIONS = """
insert into signals.contract_versions (contract, version, revision, said)
select 'c' || n || '-2024', 1, 1, $2::jsonb from generate_series(1, $1::int) n
"""


def due_on(day: date) -> datetime:
    """When the evaluation of a day is due."""
    return due_at(day, "America/New_York", 6)


async def fill(signals: Signals, customers: int) -> None:
    """Customers who used a meter on the hundred days before DAY, which is evaluated next, and on none since."""
    pool = signals.context.db.pool
    await pool.execute(FILL, customers)
    await pool.execute(FILL_ROLLUPS, customers, DAY)
    await pool.execute(
        "insert into signals.meters (meter, revision, event_type, adds_up) values ('calls', 1, 'call', true)"
    )
    await pool.execute(FILL_STATES, customers, DAY, due_on(DAY))
    await pool.execute(FILL_SETTLED, customers, DAY)
    await pool.execute("analyze signals.rollups")
    await pool.execute("analyze signals.settled")


async def fill_contracts(signals: Signals, customers: int) -> None:
    """A contract of each, as it was heard."""
    said = msgspec.to_builtins(told_version(written(), 0, 0))
    await signals.context.db.pool.execute(FILL_CONTRACTS, customers)
    await signals.context.db.pool.execute(FILL_VERSIONS, customers, said)
