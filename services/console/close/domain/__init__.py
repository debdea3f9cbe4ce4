"""What a close rests on. Pure."""
