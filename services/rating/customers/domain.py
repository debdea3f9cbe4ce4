"""What is said of a customer nobody created, whoever asks."""

from shared.errors import AppError, Kind


class CustomerNotFound(AppError):
    """There is no such customer."""

    kind = Kind.NOT_FOUND
