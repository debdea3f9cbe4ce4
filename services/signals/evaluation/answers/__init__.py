"""What the API shows of evaluations."""
