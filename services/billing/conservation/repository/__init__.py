"""What the checker reads for the reconciliation, and the exceptions it keeps."""
