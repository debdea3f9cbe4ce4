"""Tell facts, and judge those that were told."""
