"""The page of what waits, as its template takes it."""
