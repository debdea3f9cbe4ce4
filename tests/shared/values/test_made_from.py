"""What is made from another value has its fields, of its types, and what is said beside them."""

import ast
import importlib
import inspect
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import ModuleType, UnionType
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

import pytest
from pydantic import AwareDatetime

from shared.values.made_from import made_from
from u2c.deployment.state import ROOT


@dataclass(frozen=True)
class Source:
    id: str
    total: int
    at: str | None


@dataclass(frozen=True, kw_only=True)
class Shown:
    object: Literal["shown"] = "shown"
    id: str
    total: int
    at: str


def test_what_is_called_alike_is_taken_over_and_the_rest_is_said() -> None:
    assert made_from(Shown, Source("a", 3, None), at="never") == Shown(id="a", total=3, at="never")
    assert made_from(Shown, Source("a", 3, "now"), object="shown", total=4) == Shown(
        id="a", total=4, at="now"
    )


def test_what_the_source_lacks_is_an_error() -> None:
    with pytest.raises(AttributeError, match="total"):
        made_from(Shown, None, id="a", at="now")


def test_what_is_taken_over_has_the_type_of_where_it_goes() -> None:
    made = list(uses())
    assert len(made) > 30
    assert {
        f"{where}: {name}": (given, wanted) for where, name, given, wanted in made if not fits(given, wanted)
    } == {}


def test_a_type_that_does_not_fit_is_found() -> None:
    assert fits(str, str | None) and fits(Literal["a"], str) and fits(tuple[str, ...], Sequence[str])
    assert not fits(list[int], Sequence[str])
    assert not fits(str | None, str) and not fits(str, Literal["a"]) and not fits(int, str)


def uses() -> Iterator[tuple[str, str, Any, Any]]:
    """(where, field, the source's type, the field's) of every field that the code takes over."""
    for path in sorted(path for folder in ("services", "shared") for path in (ROOT / folder).rglob("*.py")):
        text = path.read_text()
        if "made_from(" not in text or path.stem == "made_from":
            continue
        place, tree = path.relative_to(ROOT).with_suffix(""), ast.parse(text)
        module = importlib.import_module(".".join(place.parts))
        for owner, function in functions(tree, module):
            for call in calls(function):
                yield from taken(f"{place}.py:{call.lineno}", owner, function.name, call)
        held = sum(len([*calls(function)]) for _, function in functions(tree, module))
        assert held == text.count("made_from("), (
            f"{place}: it stands in a function of the module or of a class"
        )


def functions(tree: ast.Module, module: ModuleType) -> Iterator[tuple[Any, ast.FunctionDef]]:
    """Each function of the module and of its classes, with the module or the class."""
    for node in tree.body:
        if isinstance(node, ast.FunctionDef):
            yield module, node
        if isinstance(node, ast.ClassDef):
            yield from (
                (getattr(module, node.name), one) for one in node.body if isinstance(one, ast.FunctionDef)
            )


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "made_from":
            yield node


def taken(where: str, owner: Any, function: str, call: ast.Call) -> Iterator[tuple[str, str, Any, Any]]:
    """What one call takes over. `owner` is the class or the module that the function stands in."""
    made, source = (ast.unparse(argument) for argument in call.args)
    kind = owner if made == "cls" else getattr(owner, made)
    given = get_type_hints(getattr(owner, function))[source]
    wanted, said = get_type_hints(kind), {keyword.arg for keyword in call.keywords}
    for name, field in inspect.signature(kind).parameters.items():
        if name not in said and field.default is inspect.Parameter.empty:
            yield where, name, type_of(given, name), wanted[name]


def type_of(given: type, name: str) -> Any:
    computed = inspect.getattr_static(given, name, None)
    return (
        get_type_hints(computed.fget)["return"]
        if isinstance(computed, property)
        else get_type_hints(given)[name]
    )


def fits(given: Any, wanted: Any) -> bool:
    """Whether a value of the one type is one of the other, as far as fields here need it."""
    if wanted is Any or given == wanted or (given, wanted) == (datetime, AwareDatetime):
        return True
    if get_origin(given) in (Union, UnionType):
        return all(fits(one, wanted) for one in get_args(given))
    if get_origin(wanted) in (Union, UnionType):
        return any(fits(given, one) for one in get_args(wanted))
    if get_origin(given) is Literal:
        return {*get_args(given)} <= {*get_args(wanted)} or all(
            type(one) is wanted for one in get_args(given)
        )
    return _is_a_collection_of_the_same(given, wanted)


def _is_a_collection_of_the_same(given: Any, wanted: Any) -> bool:
    if not (get_origin(given) and get_origin(wanted) and issubclass(get_origin(given), get_origin(wanted))):
        return False
    held, asked = ([one for one in get_args(kind) if one is not ...] for kind in (given, wanted))
    return len(held) == len(asked) and all(map(fits, held, asked))
