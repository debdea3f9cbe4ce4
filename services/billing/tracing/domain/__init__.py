"""What a clause of a contract is, without I/O."""
