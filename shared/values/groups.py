"""A group of a meter's usage, as prices read it."""

Group = tuple[tuple[str, str], ...]
"""Sorted (dimension, value) pairs; () when the line has no dimensions."""
