"""`u2c customer`: who is billed."""

import asyncio
from typing import Any

import typer

from u2c.api import Api, OfDatabase
from u2c.printing import AsJson, console, folding, print_json

app = typer.Typer(no_args_is_help=True, help="Customers as the catalogue of contracts knows them.")


@app.callback()
def _verbs() -> None:
    """Customers."""


@app.command("list")
def list_(database: OfDatabase = None, as_json: AsJson = False) -> None:
    """Every customer with its aliases."""
    rows = asyncio.run(_list(database))
    if as_json:
        print_json({"object": "list", "data": rows})
        return
    table = folding("customer", "name", "aliases", "legal entity", "time zone")
    for row in rows:
        table.add_row(
            row["external_id"], row["name"], ", ".join(row["aliases"]), row["legal_entity"], row["timezone"]
        )
    console().print(
        table if rows else "No customer yet: POST /v1/customers of rating makes one, as README shows"
    )


async def _list(database: str | None) -> list[Any]:
    async with Api("rating", database) as rating:
        return [row async for row in rating.pages("/v1/customers")]
