"""What somebody who has not signed in can make the console do: nothing before it is asked for, and little of it."""

import asyncio
import re
from collections.abc import AsyncIterator

import httpx2
import pytest

from services.console.context import HASHED_AT_ONCE_MAX, WAITING_MAX
from services.console.people.usecases.hash_password import HASHER, opens
from services.console.people.usecases.manage_people import reset_password
from services.console.people.usecases.note import By
from services.console.sessions.domain.neighbourhood import neighbourhood
from services.console.sessions.repository import FORGOTTEN_AT_ONCE
from tests.services.console.conftest import ORIGIN, PASSWORD, Console
from tests.waiting import until

FORM = "application/x-www-form-urlencoded"


async def told_of(reads: list[str], body: str) -> AsyncIterator[bytes]:
    """The body, which says in `reads` that somebody asked for it."""
    reads.append(body)
    yield body.encode()


@pytest.mark.parametrize(
    "said",
    [
        ["multipart/form-data; boundary=x; charset=punycode"],
        ["application/json"],
        ["application/x-www-form-urlencodedx"],
        [FORM, "multipart/form-data; boundary=x"],
        [],
    ],
)
@pytest.mark.parametrize("path", ["/sign-in", "/nowhere"])
async def test_a_post_of_another_media_type_is_refused_unread(
    console: Console, said: list[str], path: str
) -> None:
    reads: list[str] = []
    transport = httpx2.ASGITransport(app=console.app)
    async with httpx2.AsyncClient(transport=transport, base_url=ORIGIN) as client:
        headers = [("Origin", ORIGIN), *(("Content-Type", one) for one in said)]
        answer = await client.post(path, headers=headers, content=told_of(reads, "name=ada"))
    assert not reads
    assert answer.status_code == 415 and FORM in answer.text and answer.headers["x-request-id"] in answer.text


def test_half_a_pair_is_a_wrong_password() -> None:
    assert not opens(HASHER.hash(PASSWORD), "\ud800")


async def test_no_password_is_asked_for_over_an_open_connection(console: Console) -> None:
    answer = await console.browser(origin="http://console.example").get("/sign-in")
    assert answer.status_code == 403 and "https" in answer.text and "password" not in answer.text


async def test_few_wait_for_their_password_to_be_hashed(console: Console) -> None:
    here = HASHED_AT_ONCE_MAX + WAITING_MAX
    signing_in = console.context.signing_in
    for _ in range(HASHED_AT_ONCE_MAX):
        await signing_in.hashing.acquire()
    waiting = [
        asyncio.create_task(console.browser(address=f"10.0.0.{place}").sign_in(f"nobody-{place}", "wrong"))
        for place in range(here)
    ]

    async def all_wait() -> bool:
        return signing_in.here == here

    await until(all_wait, "all of them wait")
    refused = await console.browser(address="10.0.1.1").sign_in("somebody", "wrong")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "2")
    for _ in range(HASHED_AT_ONCE_MAX):
        signing_in.hashing.release()
    assert {answer.status_code for answer in await asyncio.gather(*waiting)} == {401}
    assert signing_in.here == 0
    assert (await console.browser(address="10.0.1.1").sign_in("somebody", "wrong")).status_code == 401


async def test_a_network_of_addresses_is_one_place(console: Console) -> None:
    for place in range(5):
        near = console.browser(address=f"2001:db8:0:1:{place}::1")
        assert (await near.sign_in(f"nobody-{place}", "wrong")).status_code == 401
    assert (
        await console.browser(address="2001:db8:0:1:f::f").sign_in("somebody", "wrong")
    ).status_code == 429
    assert (await console.browser(address="2001:db8:0:2::1").sign_in("somebody", "wrong")).status_code == 401
    assert neighbourhood("::ffff:10.0.0.1") == neighbourhood("10.0.0.1") != neighbourhood("10.0.0.2")
    assert neighbourhood("") == ""


async def test_tries_do_not_heap_up_where_nobody_signs_in(console: Console) -> None:
    pool = console.context.db.pool
    await pool.execute(
        """insert into console.tries (who, at)
           select 'x', now() - interval '2 minutes' from generate_series(1, $1)""",
        FORGOTTEN_AT_ONCE + 50,
    )
    assert (await console.browser().sign_in("nobody", "wrong")).status_code == 401
    assert await pool.fetchval("select count(*) from console.tries") == 50 + 2


async def test_nobody_locks_a_name_where_its_person_has_signed_in_before(console: Console) -> None:
    ana = await console.signed_in("ana")
    await console.add("bea", "finance")
    mark = {"u2c-8105-known": ana.cookies["u2c-8105-known"]}
    for place in range(5):
        stranger = console.browser(address="203.0.113.9")
        assert (await stranger.sign_in("ana", f"wrong {place}")).status_code == 401
    assert (await console.browser(address="10.0.0.1").sign_in("ana")).status_code == 429
    made_up = console.browser(cookies={"u2c-8105-known": "A" * 43})
    assert (await made_up.sign_in("ana")).status_code == 429
    assert (await console.browser(cookies=dict(mark)).sign_in("ana")).status_code == 303
    near = console.browser(address="203.0.113.9", cookies=dict(mark))
    assert (await near.sign_in("ana")).status_code == 303, "nor by the address that they share"
    assert (await console.browser(cookies=dict(mark)).sign_in("bea", "wrong")).status_code == 401
    for _ in range(5):
        assert (await console.browser(cookies=dict(mark)).sign_in("ana", "wrong")).status_code == 401
    assert (await console.browser(cookies=dict(mark)).sign_in("ana")).status_code == 429, "five a minute too"


async def test_the_mark_of_a_browser_opens_nothing_and_ends_with_the_password(console: Console) -> None:
    await console.add("ana", "finance")
    far = console.browser(origin="https://console.example", address="203.0.113.9")
    _, said = (await far.sign_in("ana")).headers.get_list("set-cookie")
    assert re.fullmatch(
        r"__Host-u2c-known=[A-Za-z0-9_-]{43}; HttpOnly; Max-Age=34560000; Path=/; SameSite=lax; Secure", said
    )
    far.cookies.pop("__Host-u2c")
    assert (await far.get("/account")).status_code == 303
    async with console.context.db.transaction() as uow:
        await reset_password(uow, By(), "ana", HASHER.hash("another password"))
    for place in range(5):
        await console.browser(address=f"10.0.0.{place}").sign_in("ana", "wrong")
    assert (await far.sign_in("ana", "another password")).status_code == 429


async def test_a_reset_is_not_outrun_by_whoever_signs_in_meanwhile(console: Console) -> None:
    await console.add("ana", "finance")
    signing_in, pool = console.context.signing_in, console.context.db.pool
    for _ in range(HASHED_AT_ONCE_MAX):
        await signing_in.hashing.acquire()
    late = asyncio.create_task(console.browser().sign_in("ana"))

    async def has_tried() -> bool:
        return bool(await pool.fetchval("select true from console.tries limit 1"))

    await until(has_tried, "the old password is looked up")
    async with console.context.db.transaction() as uow:
        await reset_password(uow, By(), "ana", HASHER.hash("another password"))
    for _ in range(HASHED_AT_ONCE_MAX):
        signing_in.hashing.release()
    assert (await late).status_code == 401
    assert await pool.fetchval("select count(*) from console.sessions") == 0
