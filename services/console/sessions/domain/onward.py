"""Where a person goes once they have signed in."""

from services.console.domain.addresses import local


def onward(asked: str) -> str:
    """The page they wanted, where it is one of the console's own; else the first."""
    try:
        return local(asked)
    except ValueError:
        return "/"
