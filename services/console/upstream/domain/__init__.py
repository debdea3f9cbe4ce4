"""What services are asked and answer. Pure."""
