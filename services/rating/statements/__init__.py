"""Statements. Owns the current statement of every contract and service period: what its usage comes to, and,
once final, for ever. Hears marks (metering, customers, the catalogue) and stale rows (contracts). Says
rating.statements. Alone in calling pricing. Never finalizes without the barrier, never changes a final
statement, and never stores or aggregates an event."""
