"""The four services. None imports another: they learn of each other from topics and HTTP APIs."""
