"""All SQL of endpoints and deliveries."""
