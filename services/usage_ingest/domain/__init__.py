"""What is an event, what is wrong with it, and what it is worth hashing: pure, no I/O, no clock."""
