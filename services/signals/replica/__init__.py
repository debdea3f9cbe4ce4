"""What signals hears, kept as the newest snapshot of each key, and rolled up by customer, meter and local day
as it arrives."""
