"""All SQL of what signals has heard."""
