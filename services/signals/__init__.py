"""Signals: what usage says before revenue does.

Owns: the schema `signals` (statements, activity, customers and contracts as heard). Hears: rating.statements, rating.activity,
customers.customers, contracts.versions, access.keys. Says: signals.signals. Never: changes a statement, a document or a contract.
"""
