"""Forms as pages have them, rubbish to fill them with, and whether what was typed is still there."""

import html
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final
from urllib.parse import quote, unquote, urlencode

import httpx2

from services.console.domain.text import visible

#: What it would be → what somebody sends in place of what belongs there.
RUBBISH: Final = {
    "nothing": "",
    "blank": "   ",
    "script": "<script>alert(1)</script>\"'>",
    "template": "{{ 7 * 7 }}{% include 'layout.html' %}",
    "htmx": '" hx-get="/out" hx-trigger="load',
    "control": "a\x00b\x07c\x1b[31m\x7f",
    "direction": "a\u202eb\u2066c",
    "half a pair": "a\ud800b",
    "long": "ä" * 10_000,
    "exponent": "1e999",
    "huge": "9" * 5_000,
    "no number": "NaN",
    "day": "2024-02-31",
    "instant": "0000-00-00T99:99:99Z",
    "id": "00000000-0000-0000-0000-00000000000g",
    "path": "../../v1/clock",
    "header": "x\r\nSet-Cookie: a=b",
    "cut off": '{"a": ',
    "deep": "[" * 5_000,
    "list": "[1]",
    "object": '{"a": 1e999}',
    "null": "null",
}
FORM: Final = {"Content-Type": "application/x-www-form-urlencoded", "Sec-Fetch-Site": "same-origin"}
#: What no person types.
NOT_TYPED: Final = frozenset({"hidden", "checkbox", "password", "select"})


@dataclass
class Sendable:
    """A form that a page has: its fields in their order, and which of them a person types."""

    action: str
    method: str
    fields: list[tuple[str, str]] = field(default_factory=list)
    typed: set[str] = field(default_factory=set)

    def filled(self, **of: str) -> list[tuple[str, str]]:
        """Its fields, some of them with other values; what it lacks is added."""
        kept = [(name, of.get(name, value)) for name, value in self.fields]
        return [*kept, *((name, value) for name, value in of.items() if name not in dict(self.fields))]


def forms_in(page: str) -> list[Sendable]:
    reader = _Reader()
    reader.feed(page)
    reader.close()
    return list(reader.forms.values())


def content_of(fields: list[tuple[str, str]]) -> bytes:
    """As a browser sends them; half a pair, which none sends, as its bytes."""
    return urlencode(fields, errors="surrogatepass").encode()


def is_kept(answer: httpx2.Response, name: str, text: str) -> bool:
    """Whether what was sent in a field stands in the answer: in a field of this name, or as text."""
    came = unquote(quote(text, errors="surrogatepass"), errors="replace")
    fields = {value for form in forms_in(answer.text) for one, value in form.fields if one == name}
    return came in fields or visible(came) in html.unescape(answer.text)


class _Reader(HTMLParser):
    """Forms by their ids; a field may stand outside of its form and name it."""

    def __init__(self) -> None:
        super().__init__()
        self.forms: dict[str, Sendable] = {}
        self._form = self._area = self._choice = ""
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag == "form":
            self._form = said["id"]
            self._of(self._form).action, self._of(self._form).method = said["action"], said["method"]
        elif tag == "input" and "name" in said:
            self._add(said["name"], said.get("value", ""), said.get("type", "text"), said.get("form", ""))
        elif tag == "textarea":
            self._area, self._text = said["name"], []
        elif tag == "select":
            self._choice = said["name"]
        elif tag == "option" and self._choice:
            self._chosen(said)
        elif tag == "button" and "name" in said:
            self._add(said["name"], said["value"], "hidden")

    def handle_data(self, data: str) -> None:
        if self._area:
            self._text.append(data)

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea" and self._area:
            self._add(self._area, "".join(self._text).removeprefix("\n"), "area")
            self._area = ""
        elif tag == "select":
            self._choice = ""
        elif tag == "form":
            self._form = ""

    def _of(self, form: str) -> Sendable:
        return self.forms.setdefault(form, Sendable("", ""))

    def _chosen(self, option: dict[str, str]) -> None:
        """What is selected, or else the first."""
        form = self._of(self._form)
        if "selected" in option and self._choice in dict(form.fields):
            form.fields = [one for one in form.fields if one[0] != self._choice]
        if self._choice not in dict(form.fields):
            form.fields.append((self._choice, option["value"]))

    def _add(self, name: str, value: str, kind: str, form: str = "") -> None:
        if not (form or self._form):
            return
        of = self._of(form or self._form)
        # of several buttons, or boxes, the first
        if kind not in ("hidden", "checkbox") or name not in dict(of.fields):
            of.fields.append((name, value))
        if kind not in NOT_TYPED:
            of.typed.add(name)
