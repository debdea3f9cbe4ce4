"""In which order blocks are drawn on. Two that are alike in all that the order names go by their ids, whatever was granted
first: the same blocks are always drawn on alike."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Literal

from shared.pricing.blocks.block import Block

DrawOrder = Literal["priority", "expiry", "promotional", "narrowest", "created", "id"]
STANDARD: Final[tuple[DrawOrder, ...]] = ("priority", "expiry", "promotional", "created", "id")
_CLASSES: Final = {"first": 0, "normal": 1, "last": 2}


def in_order(blocks: Iterable[Block], order: Sequence[DrawOrder] = STANDARD) -> list[Block]:
    """Return the blocks as they are drawn on: by class first, and by id where nothing else decides."""
    keys = [_KEYS[name] for name in order]
    return sorted(blocks, key=lambda block: (_CLASSES[block.class_], *[key(block) for key in keys], block.id))


def _priority(block: Block) -> tuple[bool, int]:
    """The lower first; none is last."""
    return block.priority is None, block.priority or 0


def _expiry(block: Block) -> tuple[bool, int]:
    """The soonest first, compared in whole seconds; never is last."""
    return block.ends is None, int(block.ends.timestamp()) if block.ends else 0


def _promotional(block: Block) -> bool:
    """What was given before what was paid."""
    return block.kind != "promotional"


def _narrowest(block: Block) -> tuple[bool, int]:
    """The one that pays fewer lines first."""
    return block.applies_to is None, len(block.applies_to or ())


def _created(block: Block) -> datetime:
    return block.created


def _id(block: Block) -> str:
    return block.id


_KEYS: Final[Mapping[DrawOrder, Callable[[Block], Any]]] = {
    "priority": _priority,
    "expiry": _expiry,
    "promotional": _promotional,
    "narrowest": _narrowest,
    "created": _created,
    "id": _id,
}
