"""The fold: what batches left is added to the rows that quantities are read from, by one writer at a time."""
