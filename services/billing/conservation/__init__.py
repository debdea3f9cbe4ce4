"""Conservation: the five exact checks K1–K5, by which nothing accepted is lost and nothing counts twice.

Owns: nothing stored but the exceptions it opens in billing; its SQL reads every schema through the one
read-only role `u2c_auditor`. Hears: nothing; it reads, in one snapshot each time. Says: the report of `GET
/v1/reconciliation`, the gate before finalization (`usecases.breaks_of`), the metric `u2c_conservation_breaks`
and `u2c verify`. Never: imports metering or pricing, for a second opinion that shares code with the first is
none. Left and right never read the same table.
"""
