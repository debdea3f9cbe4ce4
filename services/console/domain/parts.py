"""What pages are put together from: a template shows these, and nothing is decided there. All text is given as it is;
the template's environment escapes it and makes visible what nobody can see (services/console/frame)."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Self

from services.console.domain.addresses import onward
from services.console.domain.amounts import Amount, grouped
from services.console.domain.charts.drawing import Drawn
from services.console.domain.text import LABEL_CHARACTERS_MAX, label
from services.console.domain.times import Moment

State = Literal["", "good", "warn", "bad"]
Order = Literal["none", "ascending", "descending"]
_KEY_DIGITS: Final = 12


def key_of(*names: str) -> str:
    """An id for what is called by names of any letters: the same for the same names."""
    return hashlib.sha256("\0".join(names).encode(errors="surrogatepass")).hexdigest()[:_KEY_DIGITS]


@dataclass(frozen=True, slots=True)
class Cell:
    """A field of a table, or what stands beside a term. `whole` is what `text` is a part of, or the exact form."""

    text: str
    whole: str = ""
    href: str = ""
    state: State = ""
    is_number: bool = False
    exact: str = ""
    """Of an instant: as the API said it"""
    chart: Drawn | None = None

    @classmethod
    def of(cls, text: str, href: str = "", characters_max: int = LABEL_CHARACTERS_MAX) -> Self:
        """A text from outside."""
        short = label(text, characters_max)
        return cls(short.text, short.whole if short.is_cut else "", href)

    @classmethod
    def number(cls, number: str, href: str = "") -> Self:
        return cls(grouped(number), href=href, is_number=True)

    @classmethod
    def amount(cls, amount: Amount, href: str = "") -> Self:
        return cls(amount.shown, href=href, is_number=True)

    @classmethod
    def at(cls, moment: Moment, href: str = "") -> Self:
        return cls(moment.text, f"{moment.exact} · {moment.zone}", href, exact=moment.exact)


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a column. `href` sorts by it; `sorted` says how it is sorted now."""

    head: str
    is_number: bool = False
    href: str = ""
    sorted: Order = "none"


@dataclass(frozen=True, slots=True)
class Row:
    """`key` is the same whenever the row is shown, and unique in its table; `href` is where Enter leads."""

    key: str
    cells: tuple[Cell, ...]
    href: str = ""
    pick: str = ""
    """What is sent of it where it is chosen; "" where it cannot be"""
    is_picked: bool = False


@dataclass(frozen=True, slots=True)
class Pager:
    """Where more is. `said` tells what is shown: "50 shown, more follow"."""

    said: str
    first: str = ""
    next: str = ""


def pager_of(answer: Mapping[str, Any], here: str, first: str = "") -> Pager | None:
    """Where more of a service's list is, which is shown `here`; None where this is all. `first` is where it begins, where
    the page says that."""
    if not answer["has_more"]:
        return None
    return Pager(f"{len(answer['data'])} shown, more follow", first, onward(here, answer["next_cursor"]))


@dataclass(frozen=True, slots=True)
class Empty:
    """Said where there is nothing: what will appear here, and how to make the first."""

    appears: str
    how: str
    href: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows under heads; where there are none, what will appear."""

    key: str
    caption: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    empty: Empty
    pager: Pager | None = None
    csv: str = ""
    """Where the whole filtered list is as CSV"""
    picks_for: str = ""
    """The form that takes what is chosen of its rows, as `picked`; "" where nothing is chosen"""


@dataclass(frozen=True, slots=True)
class Option:
    value: str
    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form, with what was typed, and what is wrong with it."""

    name: str
    label: str
    value: str = ""
    kind: Literal["text", "date", "password", "choice", "area", "hidden"] = "text"
    options: tuple[Option, ...] = ()
    hint: str = ""
    fault: str = ""
    is_required: bool = False
    letters_max: str = ""
    autocomplete: str = "off"


def hidden(sent: Mapping[str, str]) -> tuple[Field, ...]:
    """What a form sends that nobody types."""
    return tuple(Field(name, "", value, "hidden") for name, value in sent.items())


@dataclass(frozen=True, slots=True)
class Filters:
    """A form whose fields go into the address; `reset` is the address without any. `go` and `rest` are what the two are
    called."""

    key: str
    action: str
    fields: tuple[Field, ...]
    reset: str
    go: str = "Filter"
    rest: str = "all"


@dataclass(frozen=True, slots=True)
class Form:
    """A form that changes something: once for each `idempotency_key`, however often it is sent."""

    key: str
    action: str
    button: str
    csrf: str
    idempotency_key: str
    fields: tuple[Field, ...] = ()
    is_grave: bool = False
    fault: str = ""
    acts: tuple[Option, ...] = ()
    """Where there are several, the form has a button for each in place of the one, which sends it as `act`"""


@dataclass(frozen=True, slots=True)
class Down:
    """A block that cannot be shown now, since its service does not answer or refuses; the rest of the page stands."""

    what: str
    cause: str
    remedy: str
    retry: str = ""


@dataclass(frozen=True, slots=True)
class Progress:
    """Work that goes on without its page. `href` is where it can be found again."""

    key: str
    said: str
    done: str
    of: str
    href: str
    is_done: bool = False


@dataclass(frozen=True, slots=True)
class Fact:
    """A term and what it is here."""

    term: str
    cells: tuple[Cell, ...]


@dataclass(frozen=True, slots=True)
class Facts:
    key: str
    facts: tuple[Fact, ...] = field(default=())
