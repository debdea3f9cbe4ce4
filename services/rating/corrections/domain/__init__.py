"""Pure: what a correction asks for, and of which documents."""
