"""Make the five checks: all of them over everything, some of them over some contracts, K1 as it goes on."""

import time
from collections.abc import Awaitable, Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime

import asyncpg

from services.billing.conservation.checks.k1_transport import Heads, transport
from services.billing.conservation.checks.k2_door import door
from services.billing.conservation.checks.k3_disposition import disposition, disposition_of
from services.billing.conservation.checks.k4_admission import admission
from services.billing.conservation.checks.k4_aggregates import aggregates
from services.billing.conservation.checks.k4_fold import fold
from services.billing.conservation.checks.k4_quantity import quantities_of
from services.billing.conservation.checks.k5_blocks import blocks, draws_of
from services.billing.conservation.checks.k5_books import numbers
from services.billing.conservation.checks.k5_liability import liability
from services.billing.conservation.checks.k5_money import all_periods, is_drained, money_of
from services.billing.conservation.checks.listing import LISTED_MAX
from services.billing.conservation.clients import snapshot
from services.billing.conservation.domain.breaks import Break, Checked, K, Report, Row, merged
from services.billing.conservation.repository.cases import Stop, stops
from services.billing.conservation.repository.reconciliation import watermark
from shared.bus import Log
from shared.runtime.clock import machine_now

CONTRACT_PERIOD = tuple[str, datetime]
#: Contracts × periods one statement looks at, so that memory stays bounded.
CHUNK = 64


async def check_all(
    connection: asyncpg.Connection,
    log: Log | None = None,
    *,
    listed_max: int | None = LISTED_MAX,
    only: Collection[K] = tuple(K),
    hear: Callable[[Checked, Report], Awaitable[None]] | None = None,
) -> Report:
    """Make all five checks over everything, or those of `only`, in one snapshot. `log`: the bus's own, where
    it is not the Postgres log.

    At most `listed_max` breaks are listed for each question (None: all); all of them are counted. `hear` is
    told of each check when it is done, with a report of it alone. Raises BusUnavailable.
    """
    began, heads = time.perf_counter(), log.heads if log else None
    checks: dict[K, Callable[[], Awaitable[Checked]]] = {
        K.TRANSPORT: lambda: _transport(connection, heads, listed_max),
        K.DOOR: lambda: door(connection, log, listed_max=listed_max),
        K.DISPOSITION: lambda: disposition(connection, listed_max),
        K.QUANTITY: lambda: _quantities(connection, listed_max),
        K.MONEY: lambda: _money(connection, heads, listed_max),
    }
    found: list[Checked] = []
    async with snapshot(connection):
        covered = await watermark(connection)
        for check in (checks[k] for k in K if k in only):
            started = time.perf_counter()
            found.append(await check())
            if hear is not None:
                seconds = time.perf_counter() - started
                await hear(found[-1], Report(machine_now(), covered, (found[-1],), seconds))
    return Report(machine_now(), covered, tuple(found), time.perf_counter() - began)


async def _transport(connection: asyncpg.Connection, heads: Heads | None, listed_max: int | None) -> Checked:
    return (await transport(connection, heads, listed_max=listed_max)).checked


async def _quantities(connection: asyncpg.Connection, listed_max: int | None) -> Checked:
    """K4, in chunks of contracts and periods."""
    chunks = [
        await quantities_of(connection, chunk, listed_max) for chunk in _chunks(await all_periods(connection))
    ]
    return merged(
        [
            await aggregates(connection, listed_max),
            await admission(connection, listed_max),
            await fold(connection, listed_max),
            *chunks,
        ]
    )


async def _money(connection: asyncpg.Connection, heads: Heads | None, listed_max: int | None) -> Checked:
    """K5, in chunks of contracts and periods."""
    drained, now = await is_drained(connection, heads), machine_now()
    chunks = [
        await money_of(connection, chunk, now, drained=drained, listed_max=listed_max)
        for chunk in _chunks(await all_periods(connection))
    ]
    drawn = [
        await draws_of(connection, chunk, listed_max=listed_max)
        for chunk in _chunks(await all_periods(connection))
    ]
    return merged(
        [
            await numbers(connection, listed_max),
            await blocks(connection, listed_max, drained=drained),
            await liability(connection, listed_max, drained=drained),
            *chunks,
            *drawn,
        ]
    )


def _chunks(periods: Sequence[CONTRACT_PERIOD]) -> Iterator[Sequence[CONTRACT_PERIOD]]:
    for first in range(0, len(periods), CHUNK):
        yield periods[first : first + CHUNK]


async def breaks_of(
    connection: asyncpg.Connection, contract_periods: Sequence[CONTRACT_PERIOD]
) -> Mapping[CONTRACT_PERIOD, list[Break]]:
    """K3–K5 of these contracts and periods, in one snapshot: what keeps each from being invoiced. Those
    without a break are absent.

    Asked without any limit on breaks: of each pair it says what it says of that pair alone.

    An open K1 break (job `conservation_look` opens the exception, and resolves it) stops them all.

    K4 here is the statement against the raw events up to its watermark, which is what gets billed; the
    aggregates as they stand are compared by `check_all`.
    """
    found: dict[CONTRACT_PERIOD, list[Break]] = {}
    async with snapshot(connection):
        stopped = [_stopped(stop) for stop in await stops(connection)]
        if stopped:
            return dict.fromkeys(contract_periods, stopped)
        for chunk in _chunks(contract_periods):
            breaks = await disposition_of(connection, chunk)
            breaks += (await quantities_of(connection, chunk)).breaks
            # A note of the period that was told and is on its way holds nothing.
            breaks += (await money_of(connection, chunk, None, drained=False)).breaks
            breaks += (await draws_of(connection, chunk)).breaks
            for broken in breaks:
                assert broken.contract is not None and broken.period_start is not None
                found.setdefault((broken.contract, broken.period_start), []).append(broken)
    return found


def _stopped(stop: Stop) -> Break:
    return Break(
        K.TRANSPORT,
        "transport_broken",
        Row("billing.exceptions", {"exception_id": stop.exception_id, "reference": stop.reference}),
        "no open K1 break",
        stop.reference,
        stop.detail,
    )
