"""One file a verb: explain an event, list what is in suspense, look at what may be."""
