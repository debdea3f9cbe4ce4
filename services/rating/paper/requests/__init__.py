"""A question as it comes in: the one place that reads it, for the API and for the command line."""
