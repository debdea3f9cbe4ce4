"""Pure: what an entry is."""
