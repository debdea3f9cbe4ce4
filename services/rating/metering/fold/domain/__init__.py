"""Packed rows, without I/O."""
