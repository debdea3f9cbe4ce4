"""Aggregations: each file is one, all that rating knows of it; `offered.py` lists those that meters may have."""
