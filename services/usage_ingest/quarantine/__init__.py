"""Events that could not be taken: kept with their bytes, listed, repaired, replayed, discarded with a
reason."""
