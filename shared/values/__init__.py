"""Values that everybody must read alike. Pure: no I/O, no clock, and nothing of a service."""
