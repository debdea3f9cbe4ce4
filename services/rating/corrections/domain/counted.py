"""What counts towards postpaid commitments, final period by final period: each knows what all others count now, whatever it was
opened with."""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

import msgspec

from shared.pricing.balances import Balances, CommitmentCounted


class CountedRow(NamedTuple):
    """What a final period counts towards a commitment, in minor units."""

    contract: str
    period_start: datetime
    block: str
    minor: int


class Counts:
    """What the final periods of some contracts count, as they were settled last, or priced again here. `fell` are the contracts
    of which one counts less towards a commitment than it did, and the start of the last such."""

    def __init__(self, rows: Iterable[CountedRow]) -> None:
        self.fell = dict[str, datetime]()
        self._of: dict[str, dict[datetime, Mapping[str, int]]] = {}
        for row in rows:
            of_period = self._of.setdefault(row.contract, {})
            of_period[row.period_start] = {**of_period.get(row.period_start, {}), row.block: row.minor}

    def opened(self, contract: str, start: datetime, opening: Balances) -> Balances:
        """Return what a period opens with where all others count what they do now."""
        others = Counter[str]()
        for since, counted in self._of.get(contract, {}).items():
            if since != start:
                others.update(counted)
        return msgspec.structs.replace(
            opening, counted=tuple(CommitmentCounted(*row) for row in sorted(others.items()))
        )

    def closed(
        self, contract: str, start: datetime, opening: tuple[Balances, Balances], closing: Balances
    ) -> Balances:
        """Keep what a period counts now, priced on the second of these openings; return what it closes with on the first,
        with which it became final. A commitment that ended before is in neither closing."""
        of_others = {row.block: row.amount_minor for row in opening[1].counted}
        own = {row.block: row.amount_minor - of_others.get(row.block, 0) for row in closing.counted}
        of_contract = self._of.setdefault(contract, {})
        if any(own.get(block, 0) < minor for block, minor in of_contract.get(start, {}).items()):
            self.fell[contract] = max(start, self.fell.get(contract, start))
        of_contract[start] = {block: minor for block, minor in own.items() if minor}
        before = {row.block: row.amount_minor for row in opening[0].counted}
        counted = [(block, before.get(block, 0) + minor) for block, minor in sorted(own.items())]
        return msgspec.structs.replace(
            closing, counted=tuple(CommitmentCounted(block, minor) for block, minor in counted if minor)
        )
