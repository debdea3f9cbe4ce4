"""A service's own database: unit of work, outbox, and the tables every schema has."""
