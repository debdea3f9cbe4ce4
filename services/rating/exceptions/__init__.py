"""What is wrong in rating, whose it is, until when, and what it is worth. Owns the reading of the table exceptions; says nothing, writes nothing."""
