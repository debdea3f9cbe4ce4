"""One file a verb on evaluations."""
