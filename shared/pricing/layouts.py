"""Layouts that were worked out once, kept for whoever asks again."""

from collections.abc import Callable, Sequence
from functools import partial
from threading import RLock
from typing import Final, NamedTuple
from weakref import ref

from shared.pricing.blocks import Block
from shared.pricing.inputs import VersionInForce
from shared.pricing.layout import Layout, lay_out
from shared.values.period import ServicePeriod

#: Those of twenty thousand periods of nine lines; about a kilobyte each.
PIECES_MAX: Final = 200_000
LayOut = Callable[[Sequence[VersionInForce], ServicePeriod, Sequence[Block]], Layout]
_Key = tuple[tuple[int, ...], ServicePeriod, tuple[Block, ...]]


class _Kept(NamedTuple):
    layout: Layout
    pieces: int
    versions: tuple["ref[VersionInForce]", ...]


class Layouts:
    """Layouts of versions that somebody holds: those of a question on paper go as the question does. No more are kept
    than have so many pieces together: what was laid out longest ago makes room.

    Questions are answered in a thread of their own, so what changes is changed under a lock.
    """

    def __init__(self, lay_out: LayOut, pieces_max: int) -> None:
        self._lay_out = lay_out
        self._pieces_max = pieces_max
        self._kept: dict[_Key, _Kept] = {}
        self._lock = RLock()
        self.pieces = 0

    def of(self, chain: Sequence[VersionInForce], period: ServicePeriod, blocks: Sequence[Block]) -> Layout:
        """Return the layout. Raises what laying out raises."""
        # what dies is forgotten before another object can have its id
        key = tuple(map(id, chain)), period, tuple(blocks)
        found = self._kept.get(key)
        return self._keep(key, chain, self._lay_out(chain, period, blocks)) if found is None else found.layout

    def _keep(self, key: _Key, chain: Sequence[VersionInForce], layout: Layout) -> Layout:
        forget = partial(self._forget, key)
        kept = _Kept(layout, layout.pieces, tuple([ref(version, forget) for version in chain]))
        with self._lock:
            if key in self._kept:
                forget()
            self._kept[key] = kept
            self.pieces += kept.pieces
            while self.pieces > self._pieces_max and len(self._kept) > 1:
                self._forget(next(iter(self._kept)))
        return layout

    def _forget(self, key: _Key, _died: object = None) -> None:
        with self._lock:
            kept = self._kept.pop(key, None)
            if kept is not None:
                self.pieces -= kept.pieces


_LAYOUTS: Final = Layouts(lay_out, PIECES_MAX)


def layout_of(chain: Sequence[VersionInForce], period: ServicePeriod, blocks: Sequence[Block] = ()) -> Layout:
    """Return the layout of a period under these versions of a contract, and with these blocks beside those of its
    clauses. Raises TooManyEdges."""
    return _LAYOUTS.of(chain, period, blocks)
