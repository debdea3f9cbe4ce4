"""The command line: the only package that may import several services, and only their main.py."""
