"""Customers and the subjects that mean them: an external id and any number of aliases.

Owns customers, subjects, and who had a subject before. Hears nothing. Says customers.customers, and marks the
usage a name brings in or takes along. Never touches an event, nor what a final statement closed with.
"""
