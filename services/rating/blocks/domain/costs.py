"""What was paid for each change of a balance, of blocks that were sold below their amount.

Of what stays as it is of a block, what was paid for the rest is its balance × its cost basis, rounded once: a change costs by
how much that moves, so that whatever is drawn, lapses and is given back costs, in all, what was paid. What one block hands on
to another costs there what it cost here, also where rounding would say a minor unit more or less.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby

from shared.pricing.blocks.cost import cost_of


@dataclass(frozen=True, slots=True)
class CostedBlock:
    """A block with a cost basis. `settled_minor`: what is left of it, of what stays as it is; `cost_minor`: what was paid
    for that."""

    block_id: str
    cost_basis: Decimal
    clauses: Sequence[str]
    returned_from: str | None
    settled_minor: int
    cost_minor: int


@dataclass(frozen=True, slots=True)
class Change:
    """By how much a balance changes. What a statement draws and returns of one line (`of_line`) is one change; what one
    block hands on to another, or has back of it, is two that are called alike (`handed_over`)."""

    block: str
    minor: int
    of_line: Hashable | None = None
    handed_over: Hashable | None = None


def costs_of(changes: Sequence[Change], blocks: Mapping[str, CostedBlock]) -> list[int]:
    """Return what each of these changes costs, with its sign, in minor units: first what adds, then what is handed over, then
    what takes. All are of these blocks."""
    balances = {name: _Balance(block) for name, block in blocks.items()}
    found = dict[int, int]()
    wholes = _wholes(changes)
    alone = [places for places in wholes if changes[places[0]].handed_over is None]
    added = [places for places in alone if _sum(changes, places) >= 0]
    for places in added:
        found |= _shared_out(changes, places, balances)
    for pair in _pairs(changes):
        found |= _handed_over(changes, pair, balances)
    for places in [places for places in alone if places not in added]:
        found |= _shared_out(changes, places, balances)
    return [found[place] for place in range(len(changes))]


class _Balance:
    def __init__(self, block: CostedBlock) -> None:
        self.basis, self.left, self.cost = block.cost_basis, block.settled_minor, block.cost_minor

    def change(self, minor: int) -> int:
        """Change by so much, and return what that costs. Of nothing, nothing was paid."""
        after = self.left + minor
        moved = cost_of(after, self.basis) - cost_of(self.left, self.basis) if after else -self.cost
        self.left, self.cost = after, self.cost + moved
        return moved

    def receive(self, minor: int, cost: int) -> None:
        self.left, self.cost = self.left + minor, self.cost + cost


def _wholes(changes: Sequence[Change]) -> list[list[int]]:
    """The places of what is one change."""
    found: dict[Hashable, list[int]] = {}
    for place, change in enumerate(changes):
        name = place if change.of_line is None else (change.block, change.of_line)
        found.setdefault(name, []).append(place)
    return list(found.values())


def _sum(changes: Sequence[Change], places: Sequence[int]) -> int:
    return sum(changes[place].minor for place in places)


def _shared_out(
    changes: Sequence[Change], places: Sequence[int], balances: Mapping[str, _Balance]
) -> dict[int, int]:
    """What each part of one change costs; the last has what rounding leaves."""
    balance = balances[changes[places[0]].block]
    rest = balance.change(_sum(changes, places))
    found, passed = dict[int, int](), 0
    for place in places[:-1]:
        before, passed = passed, passed + changes[place].minor
        found[place] = cost_of(passed, balance.basis) - cost_of(before, balance.basis)
        rest -= found[place]
    return {**found, places[-1]: rest}


def _pairs(changes: Sequence[Change]) -> list[list[int]]:
    """The places of what one block hands over to another."""
    handed = [place for place, change in enumerate(changes) if change.handed_over is not None]
    by_name = sorted(handed, key=lambda place: (str(changes[place].handed_over), place))
    pairs = [list(group) for _, group in groupby(by_name, key=lambda place: changes[place].handed_over)]
    return sorted(pairs)


def _handed_over(
    changes: Sequence[Change], pair: Sequence[int], balances: Mapping[str, _Balance]
) -> dict[int, int]:
    """What is handed over costs the one that has it what it cost the one that gives it. What the one has beyond that is a
    gift of its own, and what does not arrive is lost. Whoever has nothing left costs nothing: who gives the last of it gives all
    that it cost, and for who makes up for the last that is missing, it costs what is missing there. Where both are so at once,
    and differ, the difference is lost as well."""
    gives = [place for place in pair if changes[place].minor < 0]
    found = {place: balances[changes[place].block].change(changes[place].minor) for place in gives}
    given, cost = -_sum(changes, gives), -sum(found.values())
    for place in [place for place in pair if changes[place].minor > 0]:
        balance, minor = balances[changes[place].block], changes[place].minor
        part = min(minor, given)
        if balance.left + part == 0:
            carried = -balance.cost
        else:
            carried = cost if part == given else cost_of(part, balance.basis)
        balance.receive(part, carried)
        found[place] = carried + (balance.change(minor - part) if minor > part else 0)
        given, cost = given - part, cost - carried
    remain = [place for place in gives if balances[changes[place].block].left]
    if remain and not given:
        balances[changes[remain[-1]].block].receive(0, cost)
        found[remain[-1]] += cost
    return found
