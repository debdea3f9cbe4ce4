"""The checker at work: K1 as it goes on, everything at intervals, and what was found last."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass, field
from typing import Protocol

import asyncpg

from services.billing.conservation.checks.k1_transport import Place, transport
from services.billing.conservation.checks.k3_disposition import GROUP_NAME, TOPIC, stored_is_new
from services.billing.conservation.clients import Auditor, snapshot
from services.billing.conservation.domain.breaks import Checked, K, Report, merged
from services.billing.conservation.memory import Rounds
from services.billing.conservation.usecases.check import check_all
from services.billing.settings import BillingSettings
from shared.bus import Log
from shared.runtime.context import Context, FromRequest

Hear = Callable[[Checked, Report], Awaitable[None]] | None


@dataclass
class Monitor:
    """One process's view. A K1 break seen by a look or by the last whole check stays until the same kind of
    look is clean."""

    auditor: Auditor
    #: Of the bus, where it is not the Postgres log.
    log: Log | None = None
    transport_report: Report | None = None  # of the last whole check of K1
    # K3 as it goes on: batches that are not stored whole
    short: Checked = field(default_factory=lambda: Checked(K.DISPOSITION, {}))
    _looked: Checked = field(default_factory=lambda: Checked(K.TRANSPORT, {}))
    _verified: dict[Place, int] = field(default_factory=dict)
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def transport(self) -> Checked:
        """The K1 breaks that stop every finalization."""
        return merged(
            [self._looked, self.transport_report.of(K.TRANSPORT)] if self.transport_report else [self._looked]
        )

    async def look(self) -> None:
        """K1, and stored = new, of what was added since the last clean look."""
        async with self._one_at_a_time:
            async with self.auditor.connection() as connection, snapshot(connection):
                found = await transport(connection, self.log.heads if self.log else None, self._verified)
                short = await stored_is_new(connection, self._verified)
            broken = {(GROUP_NAME, TOPIC, row.where.key["partition"]) for row in short.breaks}
            # A cut list does not say which partitions are whole.
            if not short.more:
                self._verified |= {
                    place: offset for place, offset in found.verified.items() if place not in broken
                }
            self._looked, self.short = found.checked, short

    async def check(self) -> Report:
        """Make all five checks now. Two at once would only compete: the second waits for its turn."""
        async with self.auditor.connection() as connection:
            return await self.check_by(connection, tuple(K), None)

    async def check_by(self, connection: asyncpg.Connection, only: Collection[K], hear: Hear) -> Report:
        """Make these of the five by this connection."""
        async with self._one_at_a_time:
            found = await check_all(connection, self.log, only=only, hear=hear)
            if K.TRANSPORT in only:
                self.transport_report = found
            return found


class ConservationState(Protocol):
    """The part of the service's state that conservation uses."""

    @property
    def monitor(self) -> Monitor: ...

    @property
    def rounds(self) -> Rounds: ...


ConservationContext = Context[BillingSettings, ConservationState]
Ctx = FromRequest[ConservationContext]
