"""Pure: what a statement is made of, and how it travels. No I/O, no clock, no float."""
