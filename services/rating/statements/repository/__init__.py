"""All SQL of statements."""
