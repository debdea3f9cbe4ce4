"""Late use: what comes for a commitment's own time once its shortfall was asked for draws on that first, so that nobody pays
for it twice."""

from collections.abc import Mapping

from shared.pricing.balances import Balances
from shared.pricing.layout import Layout
from shared.pricing.steps.committed import Committed, asked_for_as_short, shortfall_block_id


def late_of(
    committed: Committed, layout: Layout, opening: Balances, counted: Mapping[str, int]
) -> dict[str, int]:
    """Return how much may be drawn on each block of a shortfall beside what was (its id → minor units): by how much more of
    the period counts towards its commitment than the `counted` that did before."""
    found: dict[str, int] = {}
    if not opening.blocks:
        return found
    asked_for = asked_for_as_short(opening)
    for promise in layout.agreed.promises:
        name = shortfall_block_id(promise)
        if name in asked_for:
            own = promise.block.id
            now = sum([one.amount_minor for one in committed.covered if one.block == own])
            found[name] = max(now - counted.get(own, 0), 0)
    return found
