"""Columns are stated once: in a row class, from which a statement over many rows is made, and in `tables.py`,
which every row class is held against."""

import ast
import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, get_args

import pytest
from sqlalchemy import Column, Table, UniqueConstraint
from sqlalchemy.engine import make_url

import services
import shared
from shared import audit
from shared.db import unit_of_work
from shared.db.columns import Bulk, Texts, insert, types_of, update, upsert
from shared.postgres.migrations import metadata_of
from shared.postgres.setup import PROCESSES, SERVICES
from u2c.deployment.state import ROOT

NUMBERED_MAX = 6  # arrays that a reader can still count in a statement written by hand
LEFT_ALONE = (
    "services/rating/metering/",
    "services/rating/statements/repository/",
    "services/billing/conservation/checks/",
)
POSTGRES = make_url("postgresql+asyncpg://").get_dialect()()
OF_TYPES = {"timestamp with time zone": "timestamptz", "varchar(3)": "text", 'text collate "c"': "text"}


@dataclass(frozen=True, slots=True)
class Kept:
    name: str
    revision: int
    words: Texts
    at: datetime | None


def test_an_insert_states_each_column_once() -> None:
    made = insert("s.kept", Kept, ignore_known=True)
    assert made.sql == (
        "insert into s.kept as known (name, revision, words, at)\n"
        "select name, revision, array(select jsonb_array_elements_text(words)), at "
        "from unnest($1::text[], $2::bigint[], $3::jsonb[], $4::timestamptz[])"
        " as said (name, revision, words, at)\n"
        "on conflict do nothing"
    )
    assert made.columns_of([Kept("a", 1, ("x",), None), Kept("b", 2, (), None)]) == [
        ["a", "b"],
        [1, 2],
        [("x",), ()],
        [None, None],
    ]


def test_an_upsert_replaces_all_but_its_key_and_what_it_keeps_where_the_new_row_is_newer() -> None:
    made = upsert("s.kept", Kept, key=("name",), keep=("at",), newer_by="revision", only="not known.final")
    assert made.returning("name").sql.split("\n")[2:] == [
        "on conflict (name) do update set revision = excluded.revision, words = excluded.words",
        "where known.revision < excluded.revision and not known.final",
        "returning name",
    ]


def test_an_update_sets_all_but_its_key() -> None:
    made = update("s.kept", Kept, key=("name",), also="told = true")
    assert made.sql.startswith(
        "update s.kept as known set revision = said.revision, "
        "words = array(select jsonb_array_elements_text(said.words)), at = said.at, told = true\nfrom unnest("
    )
    assert made.sql.endswith("\nwhere known.name = said.name")


def test_a_field_without_a_type_is_refused_by_its_name() -> None:
    @dataclass(frozen=True, slots=True)
    class Unsaid:
        what: dict[str, int]

    with pytest.raises(TypeError, match=r"Unsaid\.what"):
        types_of(Unsaid)


def bulk_statements() -> Iterator[tuple[str, Bulk[Any]]]:
    """Every statement that a module of the services or of what they share makes at import."""
    for package in (services, shared):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if ".migrations" in found.name:
                continue
            module = importlib.import_module(found.name)
            for name, value in vars(module).items():
                if isinstance(value, Bulk):
                    yield f"{found.name}.{name}", value
    for schema in SERVICES:
        yield f"outbox of {schema}", unit_of_work._outbox(schema)
    for schema in PROCESSES:
        yield f"audit of {schema}", audit._audit(schema)


STATEMENTS = dict(bulk_statements())


def test_there_are_statements_to_check() -> None:
    assert len({made.table for made in STATEMENTS.values()}) > 10


@pytest.mark.parametrize("named", STATEMENTS)
def test_a_row_class_says_of_its_columns_what_the_tables_say(named: str) -> None:
    made = STATEMENTS[named]
    table = metadata_of(made.table.split(".")[0]).tables[made.table]
    said = {name: (pg.type, _is_optional(made.row, name)) for name, pg in types_of(made.row).items()}
    known = {name: (_type_of(table.c[name]), table.c[name].nullable) for name in said}
    differing = {name for name in said if said[name][0] != known[name][0]}
    assert not differing, {name: (said[name], known[name]) for name in differing}
    refused = {name for name in said if said[name][1] and not known[name][1] and name not in made.key}
    assert not refused, f"may be null in the row and not in the table: {refused}"
    if made.sql.startswith("insert"):
        assert not (_required(table) - set(said)), "an insert must say these too"
        assert not made.key or set(made.key) in _unique(table)


def _is_optional(row: type, name: str) -> bool:
    hint = next(field.type for field in fields(row) if field.name == name)
    annotated = getattr(hint, "__origin__", None)
    return type(None) in (*get_args(hint), *get_args(annotated))


def _type_of(column: Column[Any]) -> str:
    written = column.type.compile(dialect=POSTGRES).lower()
    return OF_TYPES.get(written, written)


def _required(table: Table) -> set[str]:
    return {
        column.name
        for column in table.columns
        if not (column.nullable or column.server_default or column.computed or column.identity)
    }


def _unique(table: Table) -> list[set[str]]:
    constraints = [set(c.columns.keys()) for c in table.constraints if isinstance(c, UniqueConstraint)]
    indexes = [{column.name for column in index.columns} for index in table.indexes if index.unique]
    return [set(table.primary_key.columns.keys()), *constraints, *indexes]


def sources(*folders: str) -> Iterator[tuple[str, str]]:
    for folder in folders:
        for path in sorted((ROOT / folder).rglob("*.py")):
            name = str(path.relative_to(ROOT))
            if "/migrations/" not in name and not name.startswith(LEFT_ALONE):
                yield name, path.read_text()


def numbered_by_hand(name: str, source: str) -> list[str]:
    """File and line of each statement with `unnest` that counts parameters past NUMBERED_MAX."""
    tree = ast.parse(source)
    inside = {id(part) for node in ast.walk(tree) if isinstance(node, ast.JoinedStr) for part in node.values}
    texts = [
        (node.lineno, _text(node))
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr | ast.Constant) and id(node) not in inside
    ]
    return [
        f"{name}:{line}"
        for line, text in texts
        if "unnest" in text and any(int(n) > NUMBERED_MAX for n in re.findall(r"\$(\d+)", text))
    ]


def _text(node: ast.expr) -> str:
    if isinstance(node, ast.JoinedStr):
        return "".join(_text(part) for part in node.values)
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else ""


def test_nobody_counts_many_columns_by_hand() -> None:
    planted = 'SQL = """insert into t select * from unnest($1::text[],\n $7::text[])"""'
    assert numbered_by_hand("planted.py", planted) == ["planted.py:1"]
    found = [
        place for name, source in sources("services", "shared") for place in numbered_by_hand(name, source)
    ]
    assert found == [], "make these from a row class: shared/db/columns.py"


ROWS_ARE_READ_IN = re.compile(r"(^|/)(repository|checks)(/|\.py)|(^|/)rows\.py$")
ROW_NAMES = frozenset({"row", "rows", "record", "found"})
OF_SERVICES = ("services/billing", "services/usage_ingest", "services/rating", "services/signals")
READS_ROWS_OF_METERING = {"services/rating/statements/usecases/hold.py"}  # whose raw events are still records


def subscripted_rows(name: str, source: str) -> list[str]:
    """File and line of each look into a database row by a column's name."""
    return [
        f"{name}:{node.lineno}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Subscript)
        and isinstance(node.slice, ast.Constant)
        and isinstance(node.slice.value, str)
        and _name_of(node.value) in ROW_NAMES
    ]


def _name_of(node: ast.expr) -> str:
    """`row` of row, of event.row, and of rows[-1]."""
    if isinstance(node, ast.Subscript):
        return _name_of(node.value)
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def test_no_database_row_is_looked_into_past_a_repository() -> None:
    planted = 'a = row["x"]\nb = event.row["x"]\nc = rows[-1]["x"]\nd = row.x\ne = row.key["x"]\nf = row[0]'
    assert subscripted_rows("planted.py", planted) == [f"planted.py:{line}" for line in (1, 2, 3)]
    found = [
        place
        for name, source in sources(*OF_SERVICES)
        if not ROWS_ARE_READ_IN.search(name) and name not in READS_ROWS_OF_METERING
        for place in subscripted_rows(name, source)
    ]
    assert found == [], "let the repository return a dataclass of its rows.py"


def test_no_signature_past_a_repository_takes_or_gives_a_record() -> None:
    found = [
        f"{name}: {line.strip()}"
        for name, source in sources(*OF_SERVICES, "services/console")
        if not ROWS_ARE_READ_IN.search(name)
        for line in source.splitlines()
        if "asyncpg.Record" in line or re.search(r"\brows?: (\w+\[)?Any\b", line)
    ]
    assert found == []


def test_no_statement_asks_its_parameters_whether_they_are_null() -> None:
    """A filter's field that is not given makes no condition: shared/db/filters.py."""
    asks = re.compile(r"\$\d+(::\w+)? is null or")
    found = [
        f"{name}:{number}"
        for name, source in sources(*OF_SERVICES, "services/console")
        for number, line in enumerate(source.splitlines(), 1)
        if asks.search(line)
    ]
    assert found == []
