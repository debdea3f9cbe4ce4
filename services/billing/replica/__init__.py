"""What billing heard of others: statements, customers, contracts. Owns the drafts that follow statements.

Hears: rating.statements, customers.customers, contracts.versions. Says: nothing. Never: touches a finalized
document.
"""
