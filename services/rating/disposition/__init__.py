"""What became of stored usage: one event explained, and what waits in suspense, in money.

Owns nothing; reads metering, customers, contracts and periods. Says nothing. Suspense is a query, never a
flag: it resolves by itself when the customer, alias, meter or contract arrives.
"""
