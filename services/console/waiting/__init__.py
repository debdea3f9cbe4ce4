"""Where revenue waits: how much, where, whose it is, since when, and what has changed since a day."""
