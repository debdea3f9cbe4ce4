"""Pure rules of documents, numbers and double entry: no I/O, no clock, no randomness."""
