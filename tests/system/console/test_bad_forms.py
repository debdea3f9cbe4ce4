"""Rubbish in each field of each form, as the app's routes say which there are: a readable page that says what is wrong, with what
was typed still there, and nothing changed; and a form that is sent a second time, of what is no longer so."""

from collections.abc import Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, Literal, get_args, get_origin
from urllib.parse import urlsplit

import asyncpg
import httpx2
import pytest
from fastapi.routing import APIRoute

from lab.departures.client import Client
from services.console.main import ROUTERS, routes_of
from services.console.sessions.parameters import ONCE
from shared.postgres.setup import CONSOLE
from shared.values.ids import new_id
from tests.system.console.sent import RUBBISH, Sendable, content_of, forms_in, is_kept
from tests.system.console.subjects import SUBJECTS, Desk, Subject
from u2c.deployment.cluster import Cluster, ClusterOptions

pytestmark = [pytest.mark.long, pytest.mark.timeout(1200)]
ONCE_FIELD: Final = "idempotency_key"
REFUSED: Final = range(400, 500)


def routes() -> Iterator[tuple[tuple[str, str], APIRoute]]:
    """Each form: its route, and which of those that go there."""
    for route in routes_of(ROUTERS):
        if route.methods == {"POST"}:
            for act in _acts(route) or [""]:
                yield (route.path, act), route


def _acts(route: APIRoute) -> list[str]:
    kinds = [one.field_info.annotation for one in route.dependant.path_params]
    return [act for kind in kinds if get_origin(kind) is Literal for act in get_args(kind)]


def test_each_form_has_a_subject() -> None:
    assert dict(routes()).keys() == SUBJECTS.keys()


async def test_rubbish_is_refused_in_words_and_nothing_typed_is_lost(options: ClusterOptions) -> None:
    faults = list[str]()
    async with _desk(options) as desk:
        for key, route in sorted(routes(), key=lambda one: list(SUBJECTS).index(one[0])):
            sender = Sender(desk, route, key[1], SUBJECTS[key], faults)
            await sender.send_rubbish()
            await sender.send_twice()
    assert faults == [], "\n".join(faults)


@asynccontextmanager
async def _desk(options: ClusterOptions) -> Any:
    async with Cluster(options) as cluster:
        books = await asyncpg.connect(cluster.database_url)
        client = Client(cluster.urls, cluster.admin_key)
        desk = Desk(cluster.urls[CONSOLE], client, books)
        try:
            await desk.set_up()
            yield desk
        finally:
            await desk.close()
            await client.close()
            await books.close()


@dataclass
class Sender:
    """Who sends one form again and again. `form` is as its page had it; None: it is to be opened."""

    desk: Desk
    route: APIRoute
    act: str
    subject: Subject
    faults: list[str]
    http: httpx2.AsyncClient | None = None
    form: Sendable | None = None

    async def send_rubbish(self) -> None:
        form = await self._opened()
        for name in dict.fromkeys(name for name, _ in form.fields):
            for what, rubbish in RUBBISH.items():
                if name != ONCE_FIELD or not ONCE.fullmatch(rubbish):
                    await self._refused(f"{what} in {name}", {name: rubbish})
            if name != ONCE_FIELD:
                await self._refused(f"no {name}", {}, without=name)
                await self._refused(f"a second {name}", {}, more=[(name, RUBBISH["script"])])

    async def send_twice(self) -> None:
        """As it should be; and once more, of what has become of it."""
        form = await self._opened()
        typed = self.subject.valid(form)
        done = await self._sent(form.filled(**typed))
        if done.status_code not in self.subject.taken:
            self._fault("as it should be", done, "was not taken")
        again = await self._sent(form.filled(**typed, **self._anew(form)))
        self._read("once more", again, typed if again.status_code in REFUSED else {}, form)
        self.form = None

    async def _refused(
        self,
        case: str,
        rubbish: dict[str, str],
        *,
        without: str = "",
        more: list[tuple[str, str]] | None = None,
    ) -> None:
        form = await self._opened()
        typed = {**self.subject.valid(form), **self._anew(form), **rubbish}
        fields = [(name, value) for name, value in form.filled(**typed) if name != without]
        before = await self.desk.changes()
        answer = await self._sent([*fields, *(more or [])])
        kept = {} if answer.status_code == 303 else {n: v for n, v in fields if n in form.typed}
        if self.subject.role is None and not rubbish.keys() & form.typed:
            # nobody has signed in whom it could be told to
            kept = {}
        if more and kept:
            kept.update(more)
        self._read(case, answer, kept, form)
        if answer.status_code == 303:
            # it was none: a note may say anything
            self.form = None
        elif await self.desk.changes() != before and self.subject.role is not None:
            self._fault(case, answer, "has changed something")

    def _read(self, case: str, answer: httpx2.Response, kept: Mapping[str, str], form: Sendable) -> None:
        """It is a page that a person can read, with what they typed."""
        if answer.status_code >= 500:
            self._fault(case, answer, "is a fault of ours")
        elif answer.status_code != 303:
            if not answer.headers["content-type"].startswith("text/html") or "<h1" not in answer.text:
                self._fault(case, answer, "is no page")
            if "<script>alert(1)" in answer.text or "a=b" in answer.headers.get("set-cookie", ""):
                self._fault(case, answer, "is not the text that was sent")
            lost = [
                name for name, text in kept.items() if name in form.typed and not is_kept(answer, name, text)
            ]
            if lost:
                self._fault(case, answer, f"has lost {lost}")

    def _fault(self, case: str, answer: httpx2.Response, what: str) -> None:
        self.faults.append(f"{self.route.path} {self.act}: {case}: {answer.status_code} {what}")

    def _anew(self, form: Sendable) -> dict[str, str]:
        """Each sending is an effect of its own."""
        return {ONCE_FIELD: new_id("idk")} if ONCE_FIELD in dict(form.fields) else {}

    async def _opened(self) -> Sendable:
        """The form, from a page where it is."""
        if self.form is None:
            address = await self.subject.at(self.desk)
            self.http = await self._person()
            page = await self.http.get(address)
            assert page.status_code == 200, (address, page.text)
            found = [form for form in forms_in(page.text) if self._goes_here(form)]
            assert found, f"{self.route.path} {self.act} is not on {address}"
            self.form = found[0]
        return self.form

    async def _person(self) -> httpx2.AsyncClient:
        if self.subject.role is None:
            return httpx2.AsyncClient(base_url=self.desk.base, trust_env=False, timeout=60)
        if self.subject.ends:
            return await self.desk.anew(self.subject.role)
        return await self.desk.signed_in(self.subject.role)

    def _goes_here(self, form: Sendable) -> bool:
        found = self.route.path_regex.fullmatch(urlsplit(form.action).path)
        return form.method == "post" and found is not None and self.act in ("", *found.groups())

    async def _sent(self, fields: list[tuple[str, str]]) -> httpx2.Response:
        assert self.http is not None and self.form is not None
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
        return await self.http.post(self.form.action, content=content_of(fields), headers=headers)
