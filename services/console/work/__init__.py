"""What waits for people in any service, by owner and deadline, with what it is worth; taken over, noted, resolved."""
