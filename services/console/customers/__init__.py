"""Customers by risk, each with why and what is at stake, and what was told of one."""
