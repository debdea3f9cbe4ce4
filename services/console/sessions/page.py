"""Pages of sessions, as their templates take them."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

from services.console.domain.names import NAME_CHARACTERS_MAX, PASSWORD_CHARACTERS_MAX
from services.console.domain.parts import (
    Cell,
    Column,
    Empty,
    Fact,
    Facts,
    Field,
    Form,
    Option,
    Row,
    Table,
)
from services.console.domain.roles import AUTHORITY, Role
from services.console.domain.times import Zones
from services.console.domain.visit import Visit
from services.console.sessions.rows import SessionRow
from shared.values.instants import written

#: Whose pages the demo shows. An administrator makes people, of which the demo has no need.
DEMO_ROLES: tuple[Role, ...] = ("finance", "customer-success", "engineer", "leader")
TITLE = "Sign in"


@dataclass(frozen=True, slots=True)
class SignInPage:
    form: Form
    seats: tuple[Form, ...]


def sign_in_page(onward: str, *, demo: bool, name: str = "", fault: str = "") -> SignInPage:
    """`onward`: where they wanted to go. `name` is what was typed; a password is typed again."""
    back = Field("next", "", onward, "hidden")
    fields = (
        Field(
            "name",
            "Name",
            name,
            is_required=True,
            letters_max=str(NAME_CHARACTERS_MAX),
            autocomplete="username",
        ),
        Field(
            "password",
            "Password",
            kind="password",
            is_required=True,
            letters_max=str(PASSWORD_CHARACTERS_MAX),
            autocomplete="current-password",
        ),
        back,
    )
    seats = tuple(
        Form(
            f"as-{role}",
            "/sign-in/demo",
            role.replace("-", " "),
            "",
            "",
            (Field("role", "", role, "hidden"), back),
        )
        for role in DEMO_ROLES
        if demo
    )
    return SignInPage(Form("sign-in", "/sign-in", TITLE, "", "", fields, fault=fault), seats)


Letters = Literal["on", "off"]
LETTERS: Final[dict[bool, Letters]] = {True: "on", False: "off"}
LETTER_OPTIONS: Final = (
    Option("on", "on: j, k, n, x, g, / and ? move and open"),
    Option("off", "off: letters do nothing"),
)


@dataclass(frozen=True, slots=True)
class AccountPage:
    title: str
    facts: Facts
    sessions: Table
    everywhere: Form
    letters: Form


def account_page(visit: Visit, sessions: Sequence[SessionRow], once: str) -> AccountPage:
    """Who one is here, what one may decide, and what one has open. `once`: a key for the form of the letters."""
    seats = AUTHORITY[visit.role].seats
    facts = (
        Fact("Role", (Cell.of(visit.role),)),
        Fact("Decides for", tuple(Cell.of(seat) for seat in seats) or (Cell.of("no seat"),)),
    )
    return AccountPage(
        visit.name,
        Facts("who", facts),
        Table(
            "sessions",
            "Open sessions",
            (Column("Signed in"), Column("Ends")),
            tuple(_row(number, session, visit.zones) for number, session in enumerate(sessions)),
            Empty("Here is what you have open.", "Sign in."),
        ),
        Form(
            "everywhere",
            "/sign-out-everywhere",
            "Sign out everywhere",
            visit.csrf,
            "",
            is_grave=True,
        ),
        _letters(visit, once),
    )


def _letters(visit: Visit, once: str) -> Form:
    keys = Field("keys", "Keys of one letter", LETTERS[visit.has_letters], "choice", LETTER_OPTIONS)
    return Form("letters", "/account/letters", "Keep it so", visit.csrf, once, (keys,))


def _row(number: int, session: SessionRow, zones: Zones) -> Row:
    times = (session.begun_at, session.expires_at)
    return Row(str(number), tuple(Cell.at(zones.moment(written(at))) for at in times))
