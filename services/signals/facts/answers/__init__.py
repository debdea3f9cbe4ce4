"""What the API shows of signals, and what each type of signal says."""
