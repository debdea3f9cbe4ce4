"""The catalogue: meters (how events of one type become a quantity) and plans (contract documents to build
on).

Owns meters, plans, backfills and the catalogue's revision. Hears nothing. Says catalogue.meters. Never prices
anything.
"""
