"""Events that could not be taken: their bytes, why, and what is done about them."""
