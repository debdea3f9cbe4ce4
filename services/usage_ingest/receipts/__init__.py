"""Receipts: what each request brought, stored and summed by key, source and hour (K2)."""
