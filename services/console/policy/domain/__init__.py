"""The policy as it is typed. Pure."""
