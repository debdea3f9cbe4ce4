"""Pure: what a meter is."""
