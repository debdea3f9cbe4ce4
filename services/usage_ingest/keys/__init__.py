"""API keys: made, shown once, rotated, revoked, and told to every service."""
