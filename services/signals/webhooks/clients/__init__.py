"""What webhooks ask of the network."""
