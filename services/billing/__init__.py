"""Billing turns statements into documents and money.

Owns: drafts and finalized documents, number series, the journal, what it heard of statements, customers and
contracts. Hears: rating.statements, rating.block_rows, customers.customers, contracts.versions, access.keys. Says:
billing.documents, once a document is finalized. Drafts are not told: a draft follows every revision of its
statement, which its readers hear themselves, so telling it again would only repeat rating. `GET /v1/invoices`
shows drafts. Never: prices anything, changes a finalized document, or reads another service's schema
(conservation's auditor role aside).
"""
