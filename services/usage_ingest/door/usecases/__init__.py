"""Accept events, voids and corrections."""
