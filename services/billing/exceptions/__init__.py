"""Exceptions of billing: each has one owner, a deadline and, where it can be said, a price tag (law 7). Reads only."""
