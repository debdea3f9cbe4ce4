"""What services keep of what they hear: chains of contract versions and pages of statements."""
