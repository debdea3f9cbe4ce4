"""What became of an event: stored or not, counted by whom, and in which contract and period."""
