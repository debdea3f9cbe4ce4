"""`u2c bench`: how many events a second become visible money on this machine, how soon, and at what cost. It
is no test: it knows no limit.

It refuses to give a figure when the books do not hold (K1–K5), or when one unique event is not stored once
and covered by its draft.
"""
