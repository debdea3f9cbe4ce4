"""Back up a running deployment, and put a backup in the place of a database that is lost. What each promises:
docs/operations.md."""
