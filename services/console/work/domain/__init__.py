"""Exceptions of all services, together. Pure."""
