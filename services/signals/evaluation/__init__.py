"""The daily evaluation: each customer once a local day, over the days before it, with history."""
