"""Pure: when a policy asks a person to look at a final draft, and what may be done to a draft."""
