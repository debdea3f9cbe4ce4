"""Upkeep: partitions for the months to come, and voids whose event never came."""
