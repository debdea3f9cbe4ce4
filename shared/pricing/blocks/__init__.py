"""Amounts of money that lines draw on: what a block is, in which order blocks are drawn on, and the one function that
draws."""

from shared.pricing.blocks.block import Block, Change, Draw
from shared.pricing.blocks.draw import Due, draw
from shared.pricing.blocks.order import STANDARD, DrawOrder, in_order

__all__ = ["STANDARD", "Block", "Change", "Draw", "DrawOrder", "Due", "draw", "in_order"]
