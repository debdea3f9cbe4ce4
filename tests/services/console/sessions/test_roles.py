"""Whom a route is for: said by each, and kept."""

from typing import Annotated

import pytest
from fastapi import APIRouter
from fastapi.responses import PlainTextResponse

from services.console.domain.navigation import Entry
from services.console.domain.roles import AUTHORITY, ROLES, Role
from services.console.domain.visit import Visit
from services.console.main import (
    NAVIGATION,
    OPEN,
    ROUTERS,
    build,
    refuse_open_routes,
    roles_of_route,
    routes_of,
)
from services.console.sessions.parameters import signed_in, submits
from shared.values.seats import SEATS
from tests.services.console.conftest import Browser, Console, Open

planted = APIRouter()


@planted.get("/planted/{name}")
async def show_planted(
    name: str, visit: Annotated[Visit, signed_in("finance", "leader")]
) -> PlainTextResponse:
    return PlainTextResponse(f"{name} {visit.name} {visit.role} {visit.here}")


@planted.post("/planted/{name}")
async def change_planted(name: str, visit: Annotated[Visit, submits("finance")]) -> PlainTextResponse:
    return PlainTextResponse(f"{name} {visit.idempotency_key}")


async def person(console: Console, role: Role) -> Browser:
    return await console.signed_in(f"a-{role}", role)


async def test_a_route_answers_its_roles_and_no_others(opened: Open) -> None:
    async with opened(build((*ROUTERS, planted))) as console:
        for role in ROLES:
            browser = await person(console, role)
            seen, done = (
                await browser.get("/planted/a%2Fb"),
                await browser.post("/planted/x", idempotency_key="k"),
            )
            assert seen.status_code == (200 if role in ("finance", "leader") else 403), role
            assert done.status_code == (200 if role == "finance" else 403), role
            if role == "finance":
                assert seen.text == "a/b a-finance finance /planted/a%2Fb" and done.text == "x k"
            if role == "engineer":
                assert "a-engineer is engineer; it is for finance, leader" in seen.text
                assert 'action="/sign-out"' in seen.text, "in the frame of whoever has signed in"
        assert (await console.browser().get("/planted/x")).headers[
            "location"
        ] == "/sign-in?next=%2Fplanted%2Fx"
        assert (await console.browser().post("/planted/x")).status_code == 401
        part = await console.browser().get("/planted/x", **{"HX-Request": "true"})
        assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in?next=%2Fplanted%2Fx")


async def test_every_route_refuses_the_roles_it_is_not_for(console: Console) -> None:
    """By the routes as they are, whatever pages come to be."""
    for role in ROLES:
        browser = await person(console, role)
        for route in routes_of(ROUTERS):
            if route.path in OPEN or role in roles_of_route(route):
                continue
            path = route.path.format(**dict.fromkeys(route.param_convertors, "x"))
            for method in route.methods or ():
                answer = await (browser.get(path) if method == "GET" else browser.post(path))
                assert answer.status_code == 403, f"{role} {method} {path}"


def test_a_route_that_says_not_for_whom_stops_the_console() -> None:
    router = APIRouter()

    @router.get("/open")
    async def open_() -> None: ...

    with pytest.raises(AssertionError, match="/open says not for whom"):
        build((*ROUTERS, router))


def test_a_change_without_the_checks_of_a_form_stops_the_console() -> None:
    router = APIRouter()

    @router.post("/change")
    async def change(visit: Annotated[Visit, signed_in()]) -> None: ...

    with pytest.raises(AssertionError, match="/change changes something"):
        refuse_open_routes((router,))


def test_what_is_open_is_there() -> None:
    assert OPEN.keys() <= {route.path for route in routes_of(ROUTERS)}


def test_the_navigation_leads_to_pages_and_each_role_has_one() -> None:
    paths = {route.path for route in routes_of(ROUTERS) if route.methods == {"GET"}}
    assert {entry.path for entry in NAVIGATION} <= paths
    with pytest.raises(KeyError):
        build(navigation=(Entry("Gone", "/gone"),))


def test_each_seat_belongs_to_one_role_and_who_makes_people_holds_none() -> None:
    held = [seat for authority in AUTHORITY.values() for seat in authority.seats]
    assert sorted(held) == sorted(SEATS) and AUTHORITY["admin"].seats == ()
    assert all(
        "actor" in authority.scopes and "admin" not in authority.scopes for authority in AUTHORITY.values()
    )
    assert AUTHORITY.keys() == set(ROLES)
