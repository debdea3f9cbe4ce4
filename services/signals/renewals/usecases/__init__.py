"""One file a verb on terms that ended."""
