"""Find the final periods that count towards the same postpaid commitments as others: what exceeds those, and what they are short
of, follows from what all of them count."""

from collections.abc import Mapping, Sequence

from services.rating.contracts.memory import Chain
from services.rating.corrections.repository import CorrectionRepository
from services.rating.corrections.rows import FinalPeriod, Place
from shared.db.unit_of_work import UnitOfWork
from shared.pricing.layouts import layout_of


async def find_counting(uow: UnitOfWork, places: Sequence[Place], chains: Mapping[str, Chain]) -> list[Place]:
    """Return those that are not among these periods, before and after them: what is taken back of one leaves room for what
    exceeded in another."""
    promised = {
        contract
        for contract, _ in places
        if any(not one.prepaid for one in chains[contract][-1].terms.commitments)
    }
    if not promised:
        return []
    repository = CorrectionRepository(uow.connection)
    final = await repository.look(await repository.final_of(sorted(promised)))
    counts = {one.place: _counts_towards(one, chains[one.claimed.contract]) for one in final}
    found = {place for place in places if place in counts}
    while more := {
        place for place in counts.keys() - found if any(counts[place] & counts[known] for known in found)
    }:
        found |= more
    return sorted(found - set(places))


def _counts_towards(one: FinalPeriod, chain: Chain) -> set[str]:
    """The postpaid commitments that a period counts towards: their blocks, which are their contract's alone."""
    due = one.claimed.due(chain)
    return {block.id for block in layout_of(due.chain, due.period).agreed.promised if not block.pays}
