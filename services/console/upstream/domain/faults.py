"""What a service refused, as an error of the console's with the service's own words."""

from typing import Any, Final

from shared.errors import AppError, Kind


class ServiceRefused(AppError):
    """A service refused what was asked of it."""

    def __init__(self, problem: dict[str, Any]) -> None:
        self.problem = problem
        super().__init__(str(problem.get("detail", "")))

    @property
    def title(self) -> str:
        problem: dict[str, Any] = getattr(self, "problem", {})
        return str(problem.get("title") or super().title)


class AskedBadly(ServiceRefused):
    """A service could not read what was asked of it."""

    kind = Kind.MALFORMED


class NotAllowed(ServiceRefused):
    """The person's role may not do that in this service."""

    kind = Kind.FORBIDDEN


class ThingNotFound(ServiceRefused):
    """A service has no such thing."""

    kind = Kind.NOT_FOUND


class ThingChanged(ServiceRefused):
    """It has changed since the page was opened, or cannot be changed any more."""

    kind = Kind.CONFLICT


class ServiceSilent(AppError):
    """A service does not answer. Whether a form had its effect is not known: send it again, it has one effect."""

    kind = Kind.UNAVAILABLE


#: Of 4xx: what else a service refuses is a ServiceRefused.
BY_STATUS: Final[dict[int, type[ServiceRefused]]] = {
    400: AskedBadly,
    403: NotAllowed,
    404: ThingNotFound,
    409: ThingChanged,
    412: ThingChanged,
}
