"""Runs a service's subscriptions: one transaction a batch, exactly once."""
