"""The gate before a number: K3–K5 of that contract and period must hold."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from services.billing.finalization.domain.drafts import CONTRACT_PERIOD, Obstacle


class Gate(Protocol):
    """Says what keeps a contract and period from being invoiced; a pair it does not name is free."""

    async def obstacles(self, contract_periods: Sequence[CONTRACT_PERIOD]) -> Mapping[CONTRACT_PERIOD, Sequence[Obstacle]]: ...


class OpenGate:
    """A gate that lets everything pass."""

    async def obstacles(self, contract_periods: Sequence[CONTRACT_PERIOD]) -> Mapping[CONTRACT_PERIOD, Sequence[Obstacle]]:
        return {}
