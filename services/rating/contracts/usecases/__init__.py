"""One file a verb on contracts."""
