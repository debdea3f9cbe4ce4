"""Metering: every accepted event stored once, deduplicated, voided where told, and added up.

Owns events, voids, conflicts, aggregates and marks. Hears usage.events. Says rating.active_hours, and
usage.quarantine of what it cannot store.
Never knows a contract or a price.
"""
