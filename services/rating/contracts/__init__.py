"""Contracts. Owns contracts, their append-only versions and the service periods the business clock opens.
Hears nothing from the bus; takes terms documents over HTTP. Says contracts.versions (one version a message).
Never prices, never looks at usage, and never changes a version, a closed period or a final statement."""
