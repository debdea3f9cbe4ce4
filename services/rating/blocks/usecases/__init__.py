"""What is done with blocks, a verb a file."""
