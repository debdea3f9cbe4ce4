"""What the API and `u2c verify` show of conservation."""
