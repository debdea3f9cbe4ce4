"""Bodies that FastAPI parses: what they hold is counted before it becomes objects, however large the bodies
are that the service reads itself."""

from starlette.types import Message, Receive

from shared.http.faults import BodyTooLarge, TooManyValues
from shared.http.limits import BODY_MAX_BYTES, VALUES_MAX


def counting(receive: Receive) -> Receive:
    """Return a `receive` that raises BodyTooLarge or TooManyValues once that much has come. Values are
    counted by their commas; those within texts count too, which the high limit allows for."""
    taken = commas = 0

    async def counted() -> Message:
        nonlocal taken, commas
        message = await receive()
        body = message.get("body", b"")
        taken += len(body)
        commas += body.count(b",")
        if taken > BODY_MAX_BYTES:
            raise BodyTooLarge(f"more than {BODY_MAX_BYTES} bytes were sent; send less at once")
        if commas >= VALUES_MAX:
            raise TooManyValues(f"more than {VALUES_MAX} values were sent; send fewer at once")
        return message

    return counted
