"""`u2c contract`: apply a contract document, or show one as it is in force."""

import asyncio
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from u2c.api import Api
from u2c.documents import load_document
from u2c.printing import AsJson, console, print_json

app = typer.Typer(no_args_is_help=True, help="Contracts as versioned documents.")


@app.command()
def apply(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True, help="A YAML or JSON document")],
    as_json: AsJson = False,
) -> None:
    """Create the contract, or a new version of it. A fault is printed with its path in the document."""
    try:
        document = load_document(file)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise typer.BadParameter(f"{file} is neither YAML nor JSON: {error}", param_hint="FILE") from error
    _print(asyncio.run(_apply(document)), as_json)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The contract's own name, such as acme-2026")],
    terms: Annotated[bool, typer.Option("--terms", help="Only the terms of its newest version, as `apply` takes them")] = False,
    as_json: AsJson = False,
) -> None:
    """The contract with its versions and clause ids. To amend it: show NAME --terms > FILE, edit `effective` and the rest, apply FILE."""
    found = asyncio.run(_show(name))
    _print(found["versions"][-1]["terms"] if terms else found, as_json)


async def _apply(document: Any) -> Any:
    async with Api("rating") as rating:
        return await rating.post("/v1/contracts", document)


async def _show(name: str) -> Any:
    async with Api("rating") as rating:
        return await rating.get(f"/v1/contracts/{name}")


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        console().print(yaml.safe_dump(answer, sort_keys=False, allow_unicode=True), markup=False, highlight=False, soft_wrap=True)
