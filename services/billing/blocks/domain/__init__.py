"""Pure: what a change of a block posts."""
