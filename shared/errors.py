"""Errors a caller may expect, each explained once: for the log, the API and the reader."""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, TypeVar

Function = TypeVar("Function", bound=Callable[..., Any])


class Kind(StrEnum):
    """What an expected error means to the caller; the HTTP edge maps it to a status."""

    INVALID = "invalid"  # 422: the request is understood and refused
    MALFORMED = "malformed"  # 400: the request cannot be read
    UNAUTHENTICATED = "unauthenticated"  # 401
    FORBIDDEN = "forbidden"  # 403
    NOT_FOUND = "not_found"  # 404
    NOT_ACCEPTABLE = "not_acceptable"  # 406
    CONFLICT = "conflict"  # 409
    PRECONDITION = "precondition"  # 412
    TOO_LARGE = "too_large"  # 413
    UNSUPPORTED = "unsupported"  # 415
    BUSY = "busy"  # 429, with Retry-After
    UNAVAILABLE = "unavailable"  # 503, with Retry-After


class AppError(Exception):
    """An expected error. The class docstring's first line is its title; `detail` says what and how to mend
    it."""

    kind: Kind = Kind.INVALID

    def __init__(
        self,
        detail: str = "",
        *,
        errors: list[dict[str, Any]] | None = None,
        retry_after_s: int | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.errors = errors or []
        self.retry_after_s = retry_after_s

    @property
    def title(self) -> str:
        return title_of(type(self))

    @property
    def code(self) -> str:
        """The machine-readable name: the class name in snake case."""
        return code_of(type(self))


def title_of(error: type[AppError]) -> str:
    """What every error of this class is called: the first paragraph of its docstring."""
    return " ".join((error.__doc__ or error.__name__).strip().split("\n\n")[0].split())


def code_of(error: type[AppError]) -> str:
    """The code of every error of this class."""
    return "".join("_" + letter.lower() if letter.isupper() else letter for letter in error.__name__).lstrip(
        "_"
    )


def all_codes(error: type[AppError] = AppError) -> set[str]:
    """The codes of all errors this process has loaded."""
    return {code for below in error.__subclasses__() for code in (code_of(below), *all_codes(below))}


def refuses(*errors: type[AppError]) -> Callable[[Function], Function]:
    """State, at a route's function or a dependency of it, which errors it raises: its document names them,
    and no other may be answered."""

    def stated(function: Function) -> Function:
        function.u2c_refuses = errors  # type: ignore[attr-defined]
        return function

    return stated
