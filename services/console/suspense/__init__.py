"""Suspense: usage that nobody is billed for, by subject and reason in money, and who it may belong to."""
