"""Chains of contract versions, without I/O."""
