"""All SQL of dispositions."""
