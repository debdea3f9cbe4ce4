"""What the pages name is there: files, tables and topics, routes and commands, links and headings, and the figures that
docs/protocol.md says of the code."""

import re
from decimal import Decimal
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import MetaData

from shared.bus.tables import metadata as of_the_bus
from shared.http.guard import Guard
from shared.postgres.setup import PROCESSES, SERVICES
from shared.topics import ALL
from u2c.deployment.state import ROOT
from u2c.main import VERBS

PAGES = sorted(path for folder in (".", "docs") for path in (ROOT / folder).glob("*.md"))
DECISIONS = sorted((ROOT / "docs" / "adr").glob("*.md"))
PLACE = re.compile(r"`((?:services|shared|cli|tests|docs|deploy|examples)/[^`\s]*)`")
LINK = re.compile(r"\]\(([^)\s]+)\)")
SCHEMAS = "|".join((*PROCESSES, "bus", "clock"))
TABLE = re.compile(rf"`((?:{SCHEMAS})\.\w+)`")
ROUTE = re.compile(r"`(GET|POST|PUT|PATCH|DELETE) (/(?:v1|api)/[^`?\s]+)")
COMMAND = re.compile(r"\./u2c ([a-z][a-z-]*)")
VIEW = re.compile(r"create view (\w+\.\w+)")
FIGURE = re.compile(r"^\| `([\w.]+)\.(\w+)` \| (\S+) \|", re.MULTILINE)
ARITHMETIC = re.compile(r"^\| [^|]+ \| ([\d.]+) (µs|B) \| [^|]+ \| ([\d.]+) (\S+) \|$", re.MULTILINE)
#: What an event costs, and what a million a second or a hundred thousand million stored come to → the unit's factor.
FACTORS = {
    ("µs", "cores"): Decimal(1),
    ("B", "MB/s"): Decimal(1),
    ("B", "TB"): Decimal("0.1"),
    ("µs", "core-hours"): Decimal(100_000) / 3600,
}


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


def absent_places(text: str) -> list[str]:
    """Files and folders that a text names, and that are not there."""
    return [
        place for name in PLACE.findall(text) for place in _spelled_out(name) if not any(ROOT.glob(place))
    ]


def _spelled_out(name: str) -> list[str]:
    """`a/{b,c}.py` as two paths, and `<verb>` as any."""
    several = re.search(r"\{(.*)\}", name)
    names = [name.replace(several[0], one) for one in several[1].split(",")] if several else [name]
    return [re.sub(r"<\w+>", "*", one).rstrip("/") for one in names]


def dead_links(page: Path, text: str) -> list[str]:
    """Links to files that are not there, or to headings they do not have."""
    dead = []
    for link in LINK.findall(text):
        if re.match(r"\w+:", link):
            continue
        target, _, heading = link.partition("#")
        file = (page.parent / target).resolve() if target else page
        if not file.exists() or (heading and heading not in headings_of(file.read_text())):
            dead.append(link)
    return dead


def headings_of(text: str) -> set[str]:
    """The anchors of a page's headings, as a forge makes them."""
    titles = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def absent_tables(text: str) -> list[str]:
    """Tables, views and topics that a text names, and that nobody has."""
    return [name for name in TABLE.findall(text) if name not in _known()]


def absent_routes(text: str) -> list[str]:
    """Routes that a text names, and that no service answers."""
    return [
        f"{method} {path}"
        for method, path in ROUTE.findall(text)
        if (method, _shape(path)) not in _answered()
    ]


def absent_commands(text: str) -> list[str]:
    """Commands that a text shows, and that there are not."""
    return [verb for verb in COMMAND.findall(text) if verb not in VERBS]


@cache
def _answered() -> set[tuple[str, str]]:
    """Method and shape of every route that asks for a key."""
    found = set()
    for service in SERVICES:
        app = import_module(f"services.{service}.main").app
        [guard] = [middleware for middleware in app.user_middleware if middleware.cls is Guard]
        found |= {
            (method, _shape(one.route.path)) for one in guard.kwargs["routes"] for method in one.route.methods
        }
    return found


def _shape(path: str) -> str:
    """The path, whatever its parameters are called."""
    return re.sub(r"\{\w+\}", "{}", path)


@cache
def _known() -> set[str]:
    known = {*ALL}
    metadata: list[MetaData] = [of_the_bus]
    metadata += [import_module(f"services.{service}.tables").metadata for service in PROCESSES]
    for tables in metadata:
        known |= set(tables.tables)
    for service in SERVICES:
        for path in (ROOT / "services" / service / "migrations").rglob("*.py"):
            known |= set(VIEW.findall(path.read_text()))
    return known


def wrong_figures(text: str) -> list[str]:
    """Figures of a table that are others in the code."""
    return [
        f"{place}.{name} is {_said(_figure(place, name))}, not {said}"
        for place, name, said in FIGURE.findall(text)
        if _said(_figure(place, name)) != said
    ]


def _figure(place: str, name: str) -> Any:
    """A constant of a module, or the default of a setting."""
    try:
        return getattr(import_module(place), name)
    except ModuleNotFoundError:
        module, _, settings = place.rpartition(".")
        return getattr(import_module(module), settings).model_fields[name].default


def _said(value: object) -> str:
    return str(value)


def wrong_products(text: str) -> list[str]:
    """Rows that say something else than what an event costs comes to."""
    return [
        f"{each} {unit} make no {total} {whole}"
        for each, unit, total, whole in ARITHMETIC.findall(text)
        if round(Decimal(each) * FACTORS[unit, whole], _decimals(total)) != Decimal(total)
    ]


def _decimals(number: str) -> int:
    return len(number.partition(".")[2])


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_what_a_page_names_is_there(page: Path) -> None:
    text = page.read_text()
    assert absent_places(text) == []
    assert absent_tables(text) == []
    assert absent_routes(text) == []
    assert absent_commands(text) == []


@pytest.mark.parametrize("page", [*PAGES, *DECISIONS], ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    assert dead_links(page, page.read_text()) == []


def test_readme_leads_to_every_page() -> None:
    index = (ROOT / "README.md").read_text().split("## Reading on")[1]
    named = set(re.findall(r"`([\w./]+\.(?:md|yaml))`", index))
    there = {name_of(page) for page in PAGES} | {"docs/asyncapi.yaml"}
    assert there - named == {"README.md"}


def test_the_protocol_says_the_figures_of_the_code() -> None:
    text = (ROOT / "docs" / "protocol.md").read_text()
    table = text.split("## Times and sizes")[1]
    assert len(FIGURE.findall(table)) == table.count("\n| `") > 10
    assert wrong_figures(table) == []
    prose = set(re.findall(r"\b[A-Z]+(?:_[A-Z]+)+\b", text.split("## Times and sizes")[0]))
    assert prose == {name for _, name, _ in FIGURE.findall(table) if name.isupper()}, (
        "each is used and stated"
    )


def test_the_arithmetic_of_scale_is_right() -> None:
    text = (ROOT / "docs" / "scale.md").read_text()
    rows = [line for line in text.splitlines() if re.match(r"\| [^|]+ \| [\d.]+ (µs|B) \|", line)]
    assert len(ARITHMETIC.findall(text)) == len(rows) > 15
    assert wrong_products(text) == []


def test_what_is_gone_is_found() -> None:
    page = ROOT / "docs" / "protocol.md"
    assert absent_places(
        "`services/rating/metering/fold/gone.py`, `services/{rating,gone}`, `shared/bus`"
    ) == [
        "services/rating/metering/fold/gone.py",
        "services/gone",
    ]
    assert absent_tables("`rating.gone`, `rating.stale`, `rating.usage_days`, `rating.statements`") == [
        "rating.gone"
    ]
    assert absent_routes("`GET /v1/gone`, `POST /v1/invoices/{id}`, `GET /v1/invoices/{name}`") == [
        "GET /v1/gone",
        "POST /v1/invoices/{id}",
    ]
    assert absent_commands("`./u2c verify` and `./u2c gone`") == ["gone"]
    assert dead_links(
        page, "[a](gone.md) [b](../GLOSSARY.md#gone) [c](#the-door) [d](https://example.com)"
    ) == [
        "gone.md",
        "../GLOSSARY.md#gone",
    ]
    assert wrong_figures("| `shared.db.held_row.EVICT_AFTER_S` | 4.0 | seconds |\n") == [
        "shared.db.held_row.EVICT_AFTER_S is 3.0, not 4.0"
    ]
    assert wrong_products("| keys | 104 B | m | 1.04 TB |\n") == ["104 B make no 1.04 TB"]
