"""Saved views: filters of a list under a name, for whoever saved them and, where they are shared, for all who may open it."""
