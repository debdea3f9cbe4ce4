"""Facts: what documents of a period that exist ask for, and what they draw."""

from collections.abc import Mapping
from typing import Final, NamedTuple

from shared.pricing.blocks import Draw
from shared.pricing.steps.difference import NOTHING, Asked


class Facts(NamedTuple):
    """`asked` is what of each line documents ask for, and what was waived; `draws` are what blocks pay of them, in the
    order in which they were drawn; `counted` is what of the period counted towards postpaid commitments, and `lives_on` what
    of a block came back after its time and is another's since (block id → minor units). A period that is open has none of
    them."""

    asked: Asked = NOTHING
    draws: tuple[Draw, ...] = ()
    counted: Mapping[str, int] = {}
    lives_on: Mapping[str, int] = {}


NO_FACTS: Final = Facts()
