"""Errors that any request may meet before a route sees it, and the status of each kind of error."""

from typing import Final

from shared.errors import AppError, Kind

STATUS_OF_KIND: Final[dict[Kind, int]] = {
    Kind.INVALID: 422,
    Kind.MALFORMED: 400,
    Kind.UNAUTHENTICATED: 401,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.NOT_ACCEPTABLE: 406,
    Kind.CONFLICT: 409,
    Kind.PRECONDITION: 412,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED: 415,
    Kind.BUSY: 429,
    Kind.UNAVAILABLE: 503,
}


class HeadTooLarge(AppError):
    """The headers are larger or more than are taken; nothing of the request was read."""

    kind = Kind.MALFORMED


class UrlTooLong(AppError):
    """The URL is longer than any this API has; nothing of the request was read."""

    kind = Kind.MALFORMED


class HeadTooSlow(AppError):
    """The headers did not arrive in time; nothing of the request was read."""

    kind = Kind.MALFORMED


class HttpUnreadable(AppError):
    """This is no HTTP/1.1 request."""

    kind = Kind.MALFORMED


class BodyTooLarge(AppError):
    """The body is larger than this route takes."""

    kind = Kind.TOO_LARGE


class BodyIncomplete(AppError):
    """The body did not arrive as a whole in time; nothing of it was accepted."""

    kind = Kind.MALFORMED


class ServiceBusy(AppError):
    """This service has as many requests in work as it takes; send again after Retry-After."""

    kind = Kind.UNAVAILABLE


class InternalFault(AppError):
    """Something broke on our side. The request id finds it in the logs."""


class TooManyValues(AppError):
    """The body holds more values than any request of this API needs."""

    kind = Kind.TOO_LARGE


class Unavailable(AppError):
    """The database or the bus does not answer. Nothing was accepted; send it again after Retry-After."""

    kind = Kind.UNAVAILABLE


class BodyInvalid(AppError):
    """The request does not match the API's schema."""


class MethodNotAllowed(AppError):
    """This address does not take this method; the header Allow names those it takes."""


class RouteNotFound(AppError):
    """There is nothing at this address."""

    kind = Kind.NOT_FOUND


STATUS_OF: Final[dict[type[AppError], int]] = {
    HeadTooLarge: 431,
    UrlTooLong: 414,
    HeadTooSlow: 408,
    MethodNotAllowed: 405,
    InternalFault: 500,
}


def status_of(error: type[AppError]) -> int:
    """The status that an error of this class is answered with."""
    return STATUS_OF.get(error, STATUS_OF_KIND[error.kind])


class CsvNotOffered(AppError):
    """This cannot be answered as CSV."""

    kind = Kind.NOT_ACCEPTABLE


class CsvZoneUnknown(AppError):
    """The zone of a CSV is an IANA name: `Accept: text/csv; zone=America/New_York`."""


class CsvIsWhole(AppError):
    """A CSV holds the whole list: it has no pages and is not counted."""
