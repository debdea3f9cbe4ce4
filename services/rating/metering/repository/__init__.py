"""All SQL of metering, a file for each kind of table."""
