"""Statements. Owns the current statement of every contract and service period: what its usage comes to, and,
once final, for ever. Hears marks (of the fold, of back-fills and recounts, of customers) and requests (of contracts).
Says rating.statements. Alone in calling pricing. Never finalizes without the barrier, never changes a final
statement, and never stores or aggregates an event."""
