"""The four services as one person asks them in one request.

    services = Services(context, visit)
    told = await services.get("billing", "/v1/invoices/{}", invoice_id)
    if isinstance(told, Silent): …                      # its block is grey, the rest of the page stands
    await services.change("signals", "POST", "/v1/signals/{}/acknowledge", signal_id)

What a service refuses is raised as it said it (`domain/faults.py`): a page that names nothing that is there is a 404. One whose
answer has not the shape that the console knows of it (`domain/shapes`) is silent.
"""

import secrets
from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

import httpx2
from prometheus_client import Counter

from services.console.context import ConsoleContext
from services.console.domain.visit import Visit
from services.console.settings import ConsoleSettings
from services.console.upstream.domain.faults import BY_STATUS, ServiceRefused
from services.console.upstream.domain.shapes import misfit
from services.console.upstream.domain.told import (
    PASSED_ON,
    Answered,
    Query,
    Service,
    Silent,
    Streamed,
    Told,
    Written,
    not_understood,
    placed,
    required,
)

Method = Literal["POST", "PUT", "PATCH", "DELETE"]
#: Beside those of the frame: a page that needs more asks its service for a better route.
CALLS_MAX: Final = 6
CONNECT_S, ANSWER_S, CHANGE_S = 2.0, 10.0, 60.0
#: To one service. A download holds one for as long as it takes.
CONNECTIONS_MAX: Final = 50
DOWNLOADS_MAX: Final = 16
MAY_COME_BACK: Final = frozenset({502, 503, 504})
REMEDY: Final = "it comes back by itself; see its /readyz, or u2c status"
STRANGER: Final = (
    "something else answers at its address: see the console's U2C_…_URL, and what stands between"
)
CALLS = Counter("u2c_console_calls_total", "Calls to services, by what came of them", ["service", "outcome"])
for _service in get_args(Service):
    CALLS.labels(_service, "silent")


@dataclass
class Services:
    """Asked for one page, or for the effect of one form."""

    context: ConsoleContext
    visit: Visit
    calls_max: int = CALLS_MAX
    _calls: int = field(default=0)
    _changes: int = field(default=0)

    async def get(self, service: Service, path: str, *names: str, **query: Query) -> Told | Silent:
        """What is at the path, whose `{}` are these names; a query that is None is left out. Asked once more where the
        connection broke. Raises ServiceRefused."""
        self._calls += 1
        assert self._calls <= self.calls_max, (
            f"a page asks at most {self.calls_max} times; {path} is one too many"
        )
        answer = await self._asked(service, "GET", placed(path, names), again=True, params=_said(query))
        return answer if isinstance(answer, Silent) else self._told(service, answer, f"GET {service}{path}")

    async def stream(
        self, service: Service, path: str, *names: str, accept: str, **query: Query
    ) -> Streamed | Silent:
        """The same as it comes, in another form: a whole list as `text/csv`, a page to print as `text/html`. Raises
        ServiceRefused; where it breaks off, reading `chunks` raises."""
        if len(self.context.downloads) >= DOWNLOADS_MAX:
            remedy = "ask for it again when one of them is done"
            return Silent(service, f"{DOWNLOADS_MAX} downloads are under way", remedy)
        asked: dict[str, Any] = {"params": _said(query), "stream": True, "headers": {"Accept": accept}}
        answer = await self._asked(service, "GET", placed(path, names), **asked)
        if isinstance(answer, Silent):
            return answer
        if answer.is_success:
            CALLS.labels(service, "answered").inc()
            passed = {name: answer.headers[name] for name in PASSED_ON if name in answer.headers}
            return Streamed(passed, _chunks(answer, self.context.downloads))
        await answer.aread()
        told = self._told(service, answer, "")
        assert isinstance(told, Silent)
        return told

    async def change(
        self,
        service: Service,
        method: Method,
        path: str,
        *names: str,
        document: object = None,
        version: str = "",
    ) -> Told:
        """The effect of a form, once however often it is sent; where it has several, each in its turn. `version`: the
        ETag of what the person saw. Raises ServiceRefused, and ServiceSilent where it may or may not have been done."""
        self._changes += 1
        once = self.visit.idempotency_key
        headers = (
            {"Idempotency-Key": once if self._changes == 1 else f"{once}-{self._changes}"} if once else {}
        )
        if version:
            headers["If-Match"] = version
        body: dict[str, Any] = {} if document is None else {"json": document}
        if isinstance(document, Written):
            headers["Content-Type"] = document.media_type
            body = {"content": document.text.encode(errors="replace")}
        answer = await self._asked(service, method, placed(path, names), headers=headers, **body)
        if isinstance(answer, Silent):
            return required(answer)
        return required(self._told(service, answer, f"{method} {service}{path}"))

    async def _asked(
        self, service: Service, method: str, path: str, *, again: bool = False, **more: Any
    ) -> httpx2.Response | Silent:
        """`again`: ask once more where the connection broke, or the service was just starting."""
        headers = {**self._headers(), **more.get("headers", {})}
        url = f"{address_of(self.context.settings, service)}{path}"
        timeout = httpx2.Timeout(ANSWER_S if method == "GET" else CHANGE_S, connect=CONNECT_S)
        try:
            answer = await self._sent(method, url, timeout=timeout, **{**more, "headers": headers})
        except httpx2.TimeoutException:
            CALLS.labels(service, "silent").inc()
            return Silent(service, f"{service} did not answer in time", REMEDY)
        except httpx2.HTTPError:
            CALLS.labels(service, "silent").inc()
            if again:
                return await self._asked(service, method, path, **more)
            return Silent(service, f"{service} cannot be reached", REMEDY)
        if again and answer.status_code in MAY_COME_BACK:
            return await self._asked(service, method, path, **more)
        return answer

    async def _sent(self, method: str, url: str, *, stream: bool = False, **more: Any) -> httpx2.Response:
        http = self.context.http
        return await http.send(http.build_request(method, url, **more), stream=stream)

    def _told(self, service: Service, answer: httpx2.Response, asked: str) -> Told | Silent:
        """What it comes to, counted as that; `asked` says by which shape it is known. Raises ServiceRefused."""
        try:
            told = self._read(service, answer, asked)
        except ServiceRefused:
            CALLS.labels(service, "refused").inc()
            raise
        CALLS.labels(service, "silent" if isinstance(told, Silent) else "answered").inc()
        return told

    def _read(self, service: Service, answer: httpx2.Response, asked: str) -> Told | Silent:
        document = _object_of(answer)
        if answer.is_success:
            if document is None:
                return Silent(service, f"{service} answered what is no JSON object", STRANGER)
            if fault := misfit(asked, document):
                return not_understood(service, fault)
            return Told(document, answer.headers.get("etag", ""))
        problem = document or Answered()
        if answer.status_code == httpx2.codes.UNAUTHORIZED:
            remedy = f"it refuses the key of the role {self.visit.role}; make it anew: u2c migrate --keys, or u2c up"
            return Silent(service, f"{service} does not know the console", remedy)
        if answer.is_client_error and answer.status_code != httpx2.codes.TOO_MANY_REQUESTS:
            raise BY_STATUS.get(answer.status_code, ServiceRefused)(problem)
        cause = f"{service} answered {answer.status_code}: {problem.get('title', 'no reason given')}"
        return Silent(service, cause, str(problem.get("detail") or "see its log"))

    def _headers(self) -> dict[str, str]:
        return {
            "Authorization": f"Bearer {self.context.settings.role_key(self.visit.role)}",
            "U2C-Actor": self.visit.name,
            "traceparent": f"00-{self.visit.trace}-{secrets.token_hex(8)}-01",
            "Accept": "application/json",
        }


def client_of(settings: ConsoleSettings) -> httpx2.AsyncClient:
    """Who asks the services, each by connections of its own: one that hangs takes none from the others."""
    limits = httpx2.Limits(max_connections=CONNECTIONS_MAX)
    pools = {
        address_of(settings, service): httpx2.AsyncHTTPTransport(trust_env=False, limits=limits)
        for service in get_args(Service)
    }
    return httpx2.AsyncClient(trust_env=False, follow_redirects=False, mounts=pools)


def address_of(settings: ConsoleSettings, service: Service) -> str:
    """Where it answers, without a slash at the end."""
    addresses: dict[Service, str] = {
        "usage_ingest": settings.ingest_url,
        "rating": settings.rating_url,
        "billing": settings.billing_url,
        "signals": settings.signals_url,
    }
    return addresses[service].rstrip("/")


async def _chunks(answer: httpx2.Response, under_way: set[httpx2.Response]) -> AsyncGenerator[bytes]:
    """Its body; the connection goes back when it ends, or nobody wants more."""
    under_way.add(answer)
    try:
        async for chunk in answer.aiter_bytes():
            yield chunk
    finally:
        under_way.discard(answer)
        await answer.aclose()


def _said(query: Mapping[str, Query]) -> dict[str, str | int | list[str]]:
    return {name: value for name, value in query.items() if value is not None}


def _object_of(answer: httpx2.Response) -> Answered | None:
    """The JSON object of an answer, {} where it has no body; None where it is something else."""
    if not answer.content:
        return Answered()
    try:
        found = answer.json(object_hook=Answered)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, Answered) else None
