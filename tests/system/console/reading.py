"""A page, taken apart by a parser: its lists row by row, its facts, where it leads, and what can be sent from it."""

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

#: What tells pages of one route apart: which blocks they have, and in which state.
BLOCKS: Final = frozenset({"section", "form", "dl", "figure", "details", "select", "textarea", "pre"})
STATES: Final = frozenset({"good", "warn", "bad", "empty", "down", "next"})


@dataclass
class Row:
    """A row of a list: the texts of its cells, those of them that are numbers, and where it leads."""

    cells: list[str] = field(default_factory=list)
    numbers: list[str] = field(default_factory=list)
    href: str = ""


@dataclass
class Read:
    """A page. `lists` by the id of their block, `facts` by that of theirs: each a term and what it is. `actions` are
    where its forms are sent that change something, by the forms' ids; `next` is where its list goes on."""

    lists: dict[str, list[Row]] = field(default_factory=dict)
    facts: dict[str, list[tuple[str, list[str]]]] = field(default_factory=dict)
    links: list[str] = field(default_factory=list)
    actions: dict[str, str] = field(default_factory=dict)
    blocks: set[str] = field(default_factory=set)
    next: str = ""

    def fact(self, block: str, term: str) -> list[str]:
        """What stands beside a term."""
        [found] = [values for said, values in self.facts[block] if said == term]
        return found


def read(page: str) -> Read:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return reader.read


def ungrouped(shown: str) -> str:
    """A number as the API said it."""
    return shown.replace(",", "")


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.read = Read()
        self._list = self._facts = ""
        self._text: list[str] | None = None
        self._is_number = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        classes = said.get("class", "").split()
        self.read.blocks |= STATES & set(classes)
        if tag in BLOCKS:
            self.read.blocks.add(f"{tag} {re.sub('[0-9]+', 'N', said.get('id', ''))}")
        if tag == "a":
            self._leads(said.get("href", ""), "next" in classes)
        elif tag == "form" and said.get("method") == "post":
            self.read.actions[said["id"]] = said["action"]
        elif tag in ("td", "dt", "dd"):
            # a box to choose the row by says nothing of it
            self._text = None if "pick" in classes else []
            self._is_number = "number" in classes
        else:
            self._begins(tag, said, classes)

    def _begins(self, tag: str, said: dict[str, str], classes: list[str]) -> None:
        """A list, a row of it, or facts."""
        if tag == "section":
            self._list = said["id"] if "list" in classes else ""
            if self._list:
                self.read.lists[self._list] = []
        elif tag == "dl" and "facts" in classes:
            self._facts = said["id"]
            self.read.facts[self._facts] = []
        elif tag == "tr" and self._list:
            self.read.lists[self._list].append(Row())

    def handle_data(self, data: str) -> None:
        if self._text is not None:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "dt", "dd") and self._text is not None:
            self._said(tag, "".join(self._text).strip())
            self._text = None
        elif tag == "dl":
            self._facts = ""
        elif tag == "thead" and self._list:
            self.read.lists[self._list].clear()

    def _leads(self, href: str, is_next: bool) -> None:
        self.read.links.append(href)
        if is_next:
            self.read.next = href
        rows = self.read.lists.get(self._list)
        if rows and self._text is not None and not rows[-1].cells:
            rows[-1].href = href

    def _said(self, tag: str, text: str) -> None:
        if tag == "td" and self._list:
            row = self.read.lists[self._list][-1]
            row.cells.append(text)
            if self._is_number:
                row.numbers.append(text)
        elif tag == "dt" and self._facts:
            self.read.facts[self._facts].append((text, []))
        elif tag == "dd" and self._facts:
            self.read.facts[self._facts][-1][1].append(text)
