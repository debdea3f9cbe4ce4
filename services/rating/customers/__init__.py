"""Customers and the subjects that mean them: an external id and any number of aliases.

Owns customers and subjects. Hears nothing. Says customers.customers, and marks the usage a new name brings in. Never touches an event.
"""
