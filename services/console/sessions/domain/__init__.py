"""What a session is known by, and where a request must come from. Pure."""
