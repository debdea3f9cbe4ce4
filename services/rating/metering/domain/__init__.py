"""Pure: what one event contributes to which meter. No I/O, no clock, no float."""
