"""Signals: what usage says before revenue does.

Owns: the schema `signals` (what was heard, roll-ups by local day, evaluations with history, facts, webhook
endpoints and their log). Hears: rating.activity, rating.statements, customers.customers, contracts.versions,
catalogue.meters, billing.documents, usage.quarantine, access.keys. Says: signals.signals, and webhooks.
Never: changes a statement, a document or a contract; calls an address that is not public.
"""
