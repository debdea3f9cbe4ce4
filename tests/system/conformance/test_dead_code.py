"""No function, method, class or import that nobody uses.

Fields are left out: what is stored, shown or told is read by its serializer. So are what frameworks call by name.
"""

from pathlib import Path

import pytest
import vulture

from u2c.deployment.state import ROOT

FOLDERS = ("services", "shared", "cli/u2c", "cli/lab", "tests")
DECORATED = [
    "@router.*",
    "@app.*",
    "@openmeter.*",
    "@user.*",
    "@keys.*",
    "@planted.*",
    "@pytest.*",
    "@field_validator*",
    "@model_validator*",
    "@given*",
]
#: Who calls it instead of us.
CALLED_BY_NAME = {
    "DataclassInstance": "mypy, in an annotation that is a text",
    "ScriptImpl": "Alembic takes an implementation of a dialect by its class",
    "buffer_updated": "asyncio, of a protocol with a buffer",
    "connect_unix_socket": "httpcore, of a network backend",
    "get_buffer": "asyncio, of a protocol with a buffer",
    "handle_async_request": "httpx, of a transport",
    "handle_data": "html.parser, of a parser",
    "handle_endtag": "html.parser, of a parser",
    "handle_startendtag": "html.parser, of a parser",
    "ignore_aliases": "PyYAML, of a dumper",
    "on_partitions_assigned": "aiokafka, of a listener",
    "on_partitions_revoked": "aiokafka, of a listener",
    "pytest_addoption": "pytest",
    "pytest_collection_modifyitems": "pytest",
    "pytest_collection_finish": "pytest",
    "pytest_configure": "pytest",
    "_split_scope": "pytest-xdist, of a scheduler",
}
KINDS = {"function", "method", "class", "import", "property", "unreachable_code"}


@pytest.mark.long
def test_everything_is_used_by_somebody() -> None:
    unused = _unused()
    assert sorted(unused.keys() - CALLED_BY_NAME.keys()) == [], {
        name: unused[name] for name in unused.keys() - CALLED_BY_NAME.keys()
    }
    assert CALLED_BY_NAME.keys() - unused.keys() == set(), "an exception that is none any more"


def _unused() -> dict[str, str]:
    """Name → where it stands."""
    found = vulture.Vulture(ignore_names=["test_*", "Test*"], ignore_decorators=DECORATED)
    found.scavenge([str(ROOT / folder) for folder in FOLDERS])
    return {
        item.name: f"{Path(item.filename).relative_to(ROOT)}:{item.first_lineno}"
        for item in found.get_unused_code(min_confidence=60)
        if item.typ in KINDS and "migrations" not in item.filename.parts
    }
