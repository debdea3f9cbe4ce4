"""What can be wrong with one event: a code for machines, a detail that names the fault and the remedy."""

SHOWN_MAX = 60


class EventFault(Exception):
    """This event cannot be taken as it is; its bytes are quarantined under `code`."""

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


def shown(text: str) -> str:
    """The start of a text of the caller's, escaped: fit for an answer, a log line and a console."""
    return ascii(text if len(text) <= SHOWN_MAX else text[:SHOWN_MAX] + "…")
