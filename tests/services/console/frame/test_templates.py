"""Laws of templates: each is used, nothing is marked as safe, every address is one of ours, nothing runs within a page,
and what a page is given are texts."""

import ast
import re
import types
from collections.abc import Iterator
from dataclasses import fields, is_dataclass, make_dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from jinja2 import nodes

from services.console.domain import parts
from services.console.domain.charts.drawing import Svg
from services.console.domain.frame import Frame
from services.console.frame.page import ENVIRONMENT, TEMPLATES
from u2c.deployment.state import ROOT

CONSOLE = ROOT / "services/console"
NAMES = sorted(path.relative_to(TEMPLATES).as_posix() for path in TEMPLATES.rglob("*.html"))
#: Attributes that a browser, or htmx, follows.
FOLLOWED = re.compile(
    r"""\b(href|action|src|formaction|hx-(?:get|post|put|patch|delete|push-url))="""
    r"""("(?:\{\{.*?\}\}|[^"])*"|'(?:\{\{.*?\}\}|[^'])*'|[^\s>"']+)"""
)
#: What an address may be made of: one of ours as it is, a file of ours, or what the filter `local` has passed.
OURS = re.compile(r"""/[\w/-]*|#[\w-]+|true|false|\{\{ asset\("[\w./-]+"\) \}\}|\{\{ [^{}]*\|local \}\}""")
#: What would run within a page, or look elsewhere.
RUNS = re.compile(
    r"<script(?! src=)|<style|\bstyle=|\son\w+=|hx-on|hx-vals|hx-headers|javascript:|<(?:iframe|object|embed|base)\b"
)


def _source(name: str) -> str:
    return (TEMPLATES / name).read_text()


def rendered(folder: Path) -> set[str]:
    """The templates that the console's code names."""
    return {
        node.value
        for path in folder.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant)
        and isinstance(node.value, str)
        and re.fullmatch(r"\w[\w/]*\.html", node.value)
    }


def reached(names: set[str]) -> set[str]:
    """These, and all that they extend or take parts of."""
    found, todo = set[str](), list(names)
    while todo:
        if (name := todo.pop()) not in found:
            found.add(name)
            todo.extend(_refers(name))
    return found


def _refers(name: str) -> set[str]:
    named = ENVIRONMENT.parse(_source(name)).find_all((nodes.Extends, nodes.FromImport, nodes.Include))
    return {node.template.value for node in named}  # type: ignore[attr-defined]


def test_every_template_is_used() -> None:
    assert set(NAMES) - reached(rendered(CONSOLE)) == set()


def test_the_environment_escapes_and_refuses_what_is_not_there() -> None:
    assert ENVIRONMENT.autoescape is True
    assert ENVIRONMENT.undefined.__name__ == "StrictUndefined"
    assert ENVIRONMENT.extensions == {}


def unsafe(name: str, source: str) -> Iterator[str]:
    """Each place where a template would let through what it must not."""
    tree = ENVIRONMENT.parse(source)
    for node in tree.find_all(nodes.Filter):
        if node.name in ("safe", "xmlattr", "urlize", "tojson", "striptags"):
            yield f"{name}:{node.lineno} has |{node.name}"
    for marked in (*tree.find_all(nodes.MarkSafe), *tree.find_all(nodes.ScopedEvalContextModifier)):
        yield f"{name}:{marked.lineno} switches escaping off"
    for attribute, value in FOLLOWED.findall(source):
        if not OURS.fullmatch(value.strip("\"'")):
            yield f"{name}: {attribute}={value} may lead elsewhere; end it with |local"
    for found in RUNS.findall(source):
        yield f"{name}: {found} would run, or fetch, within the page"


@pytest.mark.parametrize("name", NAMES)
def test_a_template_lets_nothing_through(name: str) -> None:
    assert list(unsafe(name, _source(name))) == []


@pytest.mark.parametrize(
    "source",
    [
        "{{ page.name|safe }}",
        "{% autoescape false %}{{ page.name }}{% endautoescape %}",
        '<a href="{{ page.address }}">x</a>',
        '<a href="/customers/{{ page.name }}">x</a>',
        '<a href="https://elsewhere.example/">x</a>',
        "<form action={{ page.address }}>",
        '<a hx-get="{{ page.address }}">x</a>',
        "<script>x()</script>",
        '<p onclick="x()">',
        '<p style="color: red">',
        '<iframe src="/x"></iframe>',
    ],
)
def test_a_template_that_lets_something_through_is_found(source: str) -> None:
    assert len(list(unsafe("planted", source))) >= 1


def test_markup_is_made_by_charts_alone() -> None:
    """`Markup` is escaped by nobody: only the type of charts is one, and only where they are drawn is it made."""
    named = {
        path.relative_to(CONSOLE).as_posix()
        for path in CONSOLE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Name) and node.id in ("Markup", "Svg") and isinstance(node.ctx, ast.Load)
    }
    assert named == {"domain/charts/drawing.py", "frame/page.py"}


def strange(kind: Any, place: str, seen: set[Any]) -> Iterator[str]:
    """Each field, at any depth, that is more than texts, numbers of rows, yes or no, and lists of such."""
    if kind in (str, bool, type(None)) or kind is Svg or get_origin(kind) is Literal or kind in seen:
        return
    if get_origin(kind) is tuple and (len(get_args(kind)) == 2 and get_args(kind)[1] is Ellipsis):
        yield from strange(get_args(kind)[0], f"{place}[]", seen)
    elif get_origin(kind) in (Union, types.UnionType):
        for one in get_args(kind):
            yield from strange(one, place, seen)
    elif is_dataclass(kind) and isinstance(kind, type):
        seen.add(kind)
        if not kind.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            yield f"{place}: {kind.__name__} is not frozen"
        hints = get_type_hints(kind)
        for one in fields(kind):
            yield from strange(hints[one.name], f"{kind.__name__}.{one.name}", seen)
    else:
        yield f"{place}: {kind}"


def shown_types() -> list[type]:
    """What templates are given: what stands around a page, its parts, and each `…Page` of a noun's `page`, with all in them."""
    modules = [
        parts,
        *(
            import_module(_module_of(path))
            for path in sorted((*CONSOLE.glob("*/page.py"), *CONSOLE.glob("*/page/[!_]*.py")))
        ),
    ]
    return [
        Frame,
        *(one for module in modules for one in vars(module).values() if _is_shown(one, module.__name__)),
    ]


def _module_of(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts)


def _is_shown(one: object, module: str) -> bool:
    """Whether it is a dataclass of this module, not one that the module imports, and a template is given it."""
    if not (isinstance(one, type) and is_dataclass(one) and one.__module__ == module):
        return False
    return module == parts.__name__ or one.__name__.endswith("Page")


@pytest.mark.parametrize("kind", shown_types(), ids=lambda kind: kind.__name__)
def test_a_page_is_given_texts(kind: type) -> None:
    assert list(strange(kind, kind.__name__, set())) == []


def test_a_number_among_texts_is_found() -> None:
    planted = make_dataclass("Planted", [("total", float), ("name", str)], frozen=True)
    assert list(strange(planted, "Planted", set())) == ["Planted.total: <class 'float'>"]


def test_a_template_that_writes_a_number_is_refused() -> None:
    with pytest.raises(TypeError, match="a template writes float"):
        ENVIRONMENT.from_string("{{ page }}").render(page=0.1)
