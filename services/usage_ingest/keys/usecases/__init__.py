"""Issue, revoke and rotate keys; hold a bound key to its sources."""
