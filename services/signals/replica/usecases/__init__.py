"""One file a topic that is heard, and the fold of activity."""
