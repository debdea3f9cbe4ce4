"""One file a check, K1 to K5, and what they share. Nothing here imports what it checks."""
