"""One file a verb on activity."""
