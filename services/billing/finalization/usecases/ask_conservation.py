"""The gate before a number: K3–K5 of that contract and period must hold."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.billing.conservation.clients import Auditor
from services.billing.conservation.domain.breaks import Break
from services.billing.conservation.usecases.check import breaks_of
from services.billing.finalization.domain.drafts import CONTRACT_PERIOD, Obstacle, broken
from services.billing.settings import BillingSettings
from shared.runtime.context import Context

SHOWN_MAX = 3  # breaks an exception spells out


class Gate(Protocol):
    """Says what keeps a contract and period from being invoiced; a pair it does not name is free."""

    async def obstacles(
        self, contract_periods: Sequence[CONTRACT_PERIOD]
    ) -> Mapping[CONTRACT_PERIOD, Sequence[Obstacle]]: ...


@dataclass(frozen=True, slots=True)
class ConservationGate:
    """Asks conservation. One obstacle for each check (K3, K4, K5) that does not hold, owned by who owns that
    check."""

    auditor: Auditor

    async def obstacles(
        self, contract_periods: Sequence[CONTRACT_PERIOD]
    ) -> Mapping[CONTRACT_PERIOD, Sequence[Obstacle]]:
        async with self.auditor.connection() as connection:
            breaks = await breaks_of(connection, contract_periods)
        return {pair: _obstacles(found) for pair, found in breaks.items()}


def _obstacles(breaks: Sequence[Break]) -> list[Obstacle]:
    kinds: dict[str, list[Break]] = {}
    for found in breaks:
        kinds.setdefault(broken(found.k), []).append(found)
    return [Obstacle(kind, _said(found), found[0].owner) for kind, found in kinds.items()]


def _said(breaks: Sequence[Break]) -> str:
    spelled = "; ".join(
        f"{found.where}: expected {found.expected}, found {found.found}: {found.says}"
        for found in breaks[:SHOWN_MAX]
    )
    return (
        spelled
        if len(breaks) <= SHOWN_MAX
        else f"{spelled}; and {len(breaks) - SHOWN_MAX} more: see GET /v1/reconciliation"
    )


class FinalizationState(Protocol):
    """The part of the service's state that finalization uses."""

    @property
    def gate(self) -> Gate: ...


FinalizationContext = Context[BillingSettings, FinalizationState]
