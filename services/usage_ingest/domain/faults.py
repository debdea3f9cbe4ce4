"""What can be wrong with one event: a code for machines, a detail that names the fault and the remedy."""


class EventFault(Exception):
    """This event cannot be taken as it is; its bytes are quarantined under `code`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail
