"""Webhooks: Standard Webhooks 1.0.0 in full, over a schedule of more than three days, each endpoint in a lane
of its own."""
