"""What verbs print: tables for people, and with --json exactly one object alone on stdout."""

import json
import sys
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.table import Column, Table

AsJson = Annotated[bool, typer.Option("--json", help="One JSON object alone on stdout")]


def console(as_json: bool = False) -> Console:
    """Where words for people go: stdout, or stderr when stdout belongs to a JSON object."""
    return Console(stderr=as_json)


def folding(*columns: str, title: str | None = None) -> Table:
    """A table that breaks long words over lines rather than cut them: what is to be copied stays whole."""
    return Table(*(Column(name, overflow="fold") for name in columns), title=title, title_justify="left")


def print_json(document: dict[str, Any]) -> None:
    """The one object; flushed, because the command may go on."""
    sys.stdout.write(json.dumps(document, default=str, ensure_ascii=False) + "\n")
    sys.stdout.flush()
