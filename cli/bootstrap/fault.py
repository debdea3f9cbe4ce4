"""The one error of the bootstrap: what is wrong, and on the next line exactly what to do."""


class Fault(Exception):
    """Something on this machine is missing or in the way."""
