"""Pure: which of several revisions counts, and how pages become a statement."""
