"""Chains of contract versions and documents of terms, without I/O."""
