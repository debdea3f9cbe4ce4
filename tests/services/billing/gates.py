"""Gates for tests that look at what comes after the gate; conservation's own is tested with whole books."""

from collections.abc import Mapping, Sequence

from services.billing.finalization.domain.drafts import CONTRACT_PERIOD, Obstacle


class OpenGate:
    """All books hold."""

    async def obstacles(
        self, contract_periods: Sequence[CONTRACT_PERIOD]
    ) -> Mapping[CONTRACT_PERIOD, Sequence[Obstacle]]:
        return {}


class Broken:
    """The books of some contracts do not hold."""

    def __init__(self, *contracts: str, kind: str = "conservation_k4") -> None:
        self.contracts, self.kind = contracts, kind

    async def obstacles(
        self, contract_periods: Sequence[CONTRACT_PERIOD]
    ) -> Mapping[CONTRACT_PERIOD, Sequence[Obstacle]]:
        return {
            pair: [Obstacle(self.kind, "off by one", "rating")]
            for pair in contract_periods
            if pair[0] in self.contracts
        }
