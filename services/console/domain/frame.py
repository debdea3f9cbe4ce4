"""What stands around every page."""

from dataclasses import dataclass

from services.console.domain.parts import Cell, Form, State


@dataclass(frozen=True, slots=True)
class Destination:
    """A link of the navigation. `letter` goes there after `g`, `count` is how much waits there."""

    text: str
    href: str
    is_here: bool = False
    letter: str = ""
    count: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """A part of the honest line: which clock, how fresh, whether the books hold."""

    term: str
    cell: Cell
    state: State = ""


@dataclass(frozen=True, slots=True)
class Saved:
    """Filters of this list that its reader has saved or that are shared with them, and the form that saves the present ones,
    None where there are none."""

    views: tuple[Destination, ...]
    save: Form | None


@dataclass(frozen=True, slots=True)
class Frame:
    """Who looks, where they can go, and how far what they see can be trusted."""

    title: str
    person: str = ""
    """Empty where nobody has signed in"""
    sign_out: str = ""
    csrf: str = ""
    destinations: tuple[Destination, ...] = ()
    notices: tuple[Notice, ...] = ()
    zones: tuple[Destination, ...] = ()
    """This page in each of the zones one may choose"""
    said: str = ""
    """What has just been done"""
    is_demo: bool = False
    has_letters: bool = True
    """Whether single letters are keys"""
    saved: Saved | None = None
    """None on what is no list"""
