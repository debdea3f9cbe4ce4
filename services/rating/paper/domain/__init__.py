"""What a question is, how its usage is read, and what it comes to."""
