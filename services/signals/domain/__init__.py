"""Pure: what the heard facts mean. No I/O, no clock, no float."""
