"""`u2c console`: the people of the console, for whoever may run commands on the deployment's machine."""

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Annotated, NoReturn, TypeVar

import typer

from services.console.domain.names import new_password, person_name
from services.console.domain.roles import ROLES, Role
from services.console.people.rows import ListedPerson
from services.console.people.usecases import manage_people
from services.console.people.usecases.hash_password import hash_of
from services.console.people.usecases.note import By
from shared.db.unit_of_work import Database, UnitOfWork
from shared.environment_fault import EnvironmentFault
from shared.errors import AppError
from shared.postgres.setup import CONSOLE
from shared.postgres.urls import role_url
from shared.runtime.clock import machine_now
from shared.values.instants import written
from u2c.deployment.book import AdminUrl, DatabaseName, book_url, connected, server
from u2c.deployment.keys import forget_role_keys
from u2c.deployment.secrets import read_secrets
from u2c.deployment.state import State
from u2c.printing import AsJson, console, folding, print_json
from u2c.settings import default, flag

WRONG = 1
T = TypeVar("T")
app = typer.Typer(no_args_is_help=True, help="The console: its people, and the keys it asks services by.")
user = typer.Typer(no_args_is_help=True, help="Who may sign in to the console, and as what.")
app.add_typer(user, name="user")
keys = typer.Typer(no_args_is_help=True, help="The API keys of the console's roles.")
app.add_typer(keys, name="keys")
Name = Annotated[str, typer.Argument(help="By which the person signs in, such as ana or ana@example.com")]
OfRole = Annotated[str, typer.Option("--role", help=", ".join(ROLES))]


@user.command("add")
def add_(
    name: Name,
    role: OfRole,
    admin_url: AdminUrl = None,
    database: DatabaseName = None,
    as_json: AsJson = False,
) -> None:
    """Let a person sign in. The password is asked for, or read from the first line of standard input."""
    person, wanted = _person(name), _role(role)
    hashed = hash_of(_password(person))
    _do(
        admin_url,
        database,
        lambda uow: manage_people.add_person(uow, By(), person, wanted, hashed, machine_now()),
    )
    _tell(as_json, person, f"{person} may sign in as {wanted}.", role=wanted)


@user.command("list")
def list_(admin_url: AdminUrl = None, database: DatabaseName = None, as_json: AsJson = False) -> None:
    """Everybody who may sign in, or might."""
    people = _do(admin_url, database, lambda uow: manage_people.list_people(uow, machine_now()))
    if as_json:
        print_json({"object": "list", "data": [_shown(person) for person in people]})
        return
    table = folding("name", "role", "added", "ended", "open sessions")
    for person in people:
        found = _shown(person)
        table.add_row(
            person.name,
            person.role,
            str(found["added_at"]),
            str(found["ended_at"] or ""),
            str(person.sessions),
        )
    console().print(table if people else "Nobody may sign in yet: ./u2c console user add NAME --role admin")


@user.command("role")
def role_(
    name: Name,
    role: Annotated[str, typer.Argument(help=", ".join(ROLES))],
    admin_url: AdminUrl = None,
    database: DatabaseName = None,
    as_json: AsJson = False,
) -> None:
    """Give a person another role; they sign in anew."""
    person, wanted = _person(name), _role(role)
    ended = _do(admin_url, database, lambda uow: manage_people.change_role(uow, By(), person, wanted))
    _tell(as_json, person, f"{person} is {wanted}. {_ended(ended)}", role=wanted, sessions_ended=ended)


@user.command("reset")
def reset_(
    name: Name, admin_url: AdminUrl = None, database: DatabaseName = None, as_json: AsJson = False
) -> None:
    """Give a person another password, asked for as by `add`; what they have open ends."""
    person = _person(name)
    hashed = hash_of(_password(person))
    ended = _do(admin_url, database, lambda uow: manage_people.reset_password(uow, By(), person, hashed))
    _tell(as_json, person, f"{person} has another password. {_ended(ended)}", sessions_ended=ended)


@user.command("sign-out")
def sign_out_(
    name: Annotated[str, typer.Argument(help="Whose; none with --all")] = "",
    everybody: Annotated[
        bool, typer.Option("--all", help="Everybody's, such as after a restore by hand")
    ] = False,
    admin_url: AdminUrl = None,
    database: DatabaseName = None,
    as_json: AsJson = False,
) -> None:
    """End all that a person has open, or everybody, at once."""
    if everybody == bool(name):
        raise typer.BadParameter("say whose, or --all", param_hint="NAME")
    person = "" if everybody else _person(name)

    async def act(uow: UnitOfWork) -> int:
        if everybody:
            return await manage_people.sign_out_everybody(uow, By(), machine_now())
        return await manage_people.sign_out_everywhere(uow, By(), person)

    ended = _do(admin_url, database, act)
    _tell(as_json, person, _ended(ended), sessions_ended=ended)


@user.command("end")
def end_(
    name: Name, admin_url: AdminUrl = None, database: DatabaseName = None, as_json: AsJson = False
) -> None:
    """Let a person sign in no more, for good; the name stays theirs, since audit rows have it."""
    person = _person(name)
    ended = _do(admin_url, database, lambda uow: manage_people.end_person(uow, By(), person, machine_now()))
    _tell(as_json, person, f"{person} may not sign in any more. {_ended(ended)}", sessions_ended=ended)


@keys.command("rotate")
def rotate_(
    database: Annotated[str, flag("database")] = default("database"), as_json: AsJson = False
) -> None:
    """Let each role have a new key from the next start of this clone's deployment on; the old ones end then. In
    containers the keys follow from the deployment's secret: rotate that (docs/security.md)."""
    forgotten = forget_role_keys(State.default(), database)
    if as_json:
        print_json({"object": "rotation", "database": database, "keys": forgotten})
    else:
        words = f"{len(forgotten)} keys end at the next start: ./u2c up --database {database}"
        console().print(words, markup=False, highlight=False, soft_wrap=True)


def _do(admin_url: str | None, database: str | None, act: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    """Do it in one transaction of the console's database; what is refused ends the command with exit code 1."""
    try:
        given = _given_url()
        if given is not None:
            return asyncio.run(_acted(given, act))
        with server(admin_url) as server_url:
            return asyncio.run(_acted_on_book(server_url, database, act))
    except AppError as fault:
        _refuse(fault)


async def _acted(url: str, act: Callable[[UnitOfWork], Awaitable[T]]) -> T:
    async with _opened(url) as db, db.transaction() as uow:
        return await act(uow)


async def _acted_on_book(
    server_url: str, database: str | None, act: Callable[[UnitOfWork], Awaitable[T]]
) -> T:
    url = await book_url(server_url, database)
    connection = await connected(url)
    try:
        if await connection.fetchval("select to_regclass('console.people')") is None:
            raise EnvironmentFault("This database has no console yet.", "Run ./u2c migrate, or ./u2c up")
    finally:
        await connection.close()
    return await _acted(role_url(url, CONSOLE, State.default().secret()), act)


@asynccontextmanager
async def _opened(url: str) -> AsyncIterator[Database]:
    db = Database(url, CONSOLE, pool_max=1)
    await db.open()
    try:
        yield db
    finally:
        await db.close()


def _given_url() -> str | None:
    """Within the console's own container: the database that its secrets name."""
    folder = os.environ.get("U2C_SECRETS")
    return None if not folder else read_secrets(Path(folder)).get("U2C_DATABASE_URL")


def _password(name: str) -> str:
    """Asked for twice on a terminal, else the first line that comes in; never an argument, which others can see."""
    if sys.stdin.isatty():
        text = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        text = sys.stdin.readline().rstrip("\r\n")
    try:
        return new_password(name, text)
    except AppError as fault:
        _refuse(fault)


def _person(name: str) -> str:
    try:
        return person_name(name)
    except AppError as fault:
        raise typer.BadParameter(fault.detail, param_hint="NAME") from fault


def _role(role: str) -> Role:
    found: Role | None = next((one for one in ROLES if one == role), None)
    if found is None:
        raise typer.BadParameter(f"no role {role}; there are {', '.join(ROLES)}", param_hint="ROLE")
    return found


def _refuse(fault: AppError) -> NoReturn:
    print(f"{fault.title}\n{fault.detail}", file=sys.stderr)
    raise typer.Exit(WRONG)


def _shown(person: ListedPerson) -> dict[str, object]:
    return {
        "object": "person",
        "name": person.name,
        "role": person.role,
        "added_at": written(person.added_at),
        "ended_at": None if person.ended_at is None else written(person.ended_at),
        "sessions": person.sessions,
    }


def _tell(as_json: bool, name: str, words: str, **more: object) -> None:
    if as_json:
        print_json({"object": "person", "name": name, **more})
    else:
        console().print(words, markup=False, highlight=False, soft_wrap=True)


def _ended(sessions: int) -> str:
    return f"{sessions} open session{'' if sessions == 1 else 's'} ended."
