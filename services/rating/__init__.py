"""Rating: customers, catalogue, contracts, metering and statements.

Owns the schema `rating`. Hears usage.events and access.keys. Says catalogue.meters, customers.customers,
contracts.versions, rating.statements, rating.block_rows and rating.active_hours. Never makes a document and never receives money.
"""
