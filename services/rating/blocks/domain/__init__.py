"""Pure: blocks as they are stored."""
