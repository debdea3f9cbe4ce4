"""The one error for a machine that cannot do what is asked: it always comes with the remedy."""


class EnvironmentFault(Exception):
    """Something outside the program is missing or in the way. `remedy` says exactly what to do; the command
    line exits with 3."""

    def __init__(self, fault: str, remedy: str) -> None:
        super().__init__(f"{fault}\n{remedy}")
        self.fault = fault
        self.remedy = remedy
