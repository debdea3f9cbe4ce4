"""Where a webhook may go, without I/O."""
