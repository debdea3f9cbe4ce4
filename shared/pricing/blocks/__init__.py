"""Amounts of money that lines draw on: what a block is, in which order blocks are drawn on, the one function that draws,
and which of the draws that exist stay."""

from shared.pricing.blocks.block import Block, Change, Draw
from shared.pricing.blocks.draw import Due, draw
from shared.pricing.blocks.order import STANDARD, DrawOrder, in_order
from shared.pricing.blocks.standing import NOTHING_STANDS, Standing, standing

__all__ = [
    "NOTHING_STANDS",
    "STANDARD",
    "Block",
    "Change",
    "Draw",
    "DrawOrder",
    "Due",
    "Standing",
    "draw",
    "in_order",
    "standing",
]
