"""One file a verb on endpoints and deliveries."""
