"""Find the raw events behind a quantity."""
