"""The steps of a daily evaluation: each takes what is known and its part of the state, and returns what it
found and the part of the state to keep."""
