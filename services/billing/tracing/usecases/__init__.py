"""One file a verb: trace a line, follow it over periods, tell what became of a document."""
