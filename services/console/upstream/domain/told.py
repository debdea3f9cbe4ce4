"""What is asked of a service, and what comes of it."""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, NoReturn, TypeVar
from urllib.parse import quote

import msgspec

from services.console.domain.parts import Down
from services.console.upstream.domain.faults import ServiceSilent
from shared.errors import AppError, Kind

T = TypeVar("T")
Service = Literal["usage_ingest", "rating", "billing", "signals"]
Query = str | int | list[str] | None
ONE_VERSION: Final = "bring the console and the services to one version"
#: What of a service's answer goes on to the browser with what it answered.
PASSED_ON: Final = ("content-type", "content-disposition", "content-security-policy")


class AnswerNotUnderstood(AppError):
    """A service answered something else than the console knows of it: they are of different versions."""

    kind = Kind.UNAVAILABLE


class Answered(dict[str, Any]):
    """An object of an answer; what it lacks is the answer's fault, and no 500 of the page."""

    def __missing__(self, name: str) -> NoReturn:
        raise AnswerNotUnderstood(f"it has no {name}; {ONE_VERSION}")


@dataclass(frozen=True, slots=True)
class Told:
    """What a service answered; `document` is {} where that has no body. `version` is its ETag, "" without one."""

    document: dict[str, Any]
    version: str = ""


@dataclass(frozen=True, slots=True)
class Silent:
    """A service that does not answer, and what to do."""

    service: Service
    cause: str
    remedy: str

    def block(self, what: str, retry: str) -> Down:
        """What stands in place of what was asked for. `retry`: the page's own address."""
        return Down(what, self.cause, self.remedy, retry)


@dataclass(frozen=True, slots=True)
class Written:
    """A document as a person wrote it, which goes to the service letter by letter: read here, its numbers could
    change."""

    text: str
    media_type: str


def not_understood(service: Service, fault: str) -> Silent:
    """Of a service whose answer is of another shape than the console knows."""
    return Silent(service, f"{service} answered what is not understood", f"{fault}; {ONE_VERSION}")


def required(told: Told | Silent) -> Told:
    """What a page is nothing without. Raises ServiceSilent."""
    if isinstance(told, Silent):
        raise ServiceSilent(f"{told.cause}; {told.remedy}", retry_after_s=1)
    return told


@dataclass(frozen=True, slots=True)
class Streamed:
    """What a service answers bit by bit: whoever takes it reads `chunks` to the end, or stops."""

    headers: Mapping[str, str]
    chunks: AsyncGenerator[bytes]


def read(told: Told, kind: type[T]) -> T:
    """The answer as a struct of what is shown of it. Raises AnswerNotUnderstood."""
    try:
        return msgspec.convert(told.document, kind)
    except msgspec.ValidationError as fault:
        raise AnswerNotUnderstood(f"{fault}; {ONE_VERSION}") from fault


def placed(path: str, names: tuple[str, ...]) -> str:
    """The path with its names in place, each one segment whatever it has in it."""
    assert path.count("{}") == len(names), f"{path} takes {path.count('{}')} names"
    return path.format(*(_segment(name) for name in names))


def _segment(name: str) -> str:
    return name.replace(".", "%2E") if name in (".", "..") else quote(name, safe="")
