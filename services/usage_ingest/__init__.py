"""usage_ingest: the door of usage.

Owns the quarantine, the receipts, the door's roll-up and the API keys. Hears usage.raw (events of products
that write to the bus themselves), its own usage.quarantine and usage.receipts (to store them),
catalogue.meters and customers.customers (to judge values and to say `unmatched`). Says usage.events,
usage.quarantine, usage.receipts and access.keys. Never decides whether an event was seen before (metering
does), never waits for its database on the way of an event, and never answers 2xx before the bus has it.
"""
