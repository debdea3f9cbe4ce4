"""All SQL of the fold."""
