"""`u2c contract`: apply a contract document, or show one as it is in force."""

import asyncio
from datetime import UTC, datetime
from enum import StrEnum
from itertools import zip_longest
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import httpx2
import typer
import yaml

from u2c.api import WRONG, Api, OfDatabase, show_problem
from u2c.contract_shapes import SHAPES, contract_of
from u2c.documents import terms_in
from u2c.printing import AsJson, console, folding, print_json


class Shape(StrEnum):
    """What a new contract starts from."""

    PAY_AS_YOU_GO = "pay-as-you-go"
    PREPAID = "prepaid"
    ANNUAL_COMMITMENT = "annual-commitment"
    HYBRID = "hybrid"


assert {*Shape} == {*SHAPES}, "every shape that is written can be asked for"
app = typer.Typer(no_args_is_help=True, help="Contracts as versioned documents.")
REACHES_FINAL_PERIODS = "reaches_final_periods"


@app.command()
def apply(
    file: Annotated[
        Path,
        typer.Argument(
            exists=True, dir_okay=False, readable=True, help="A YAML document, or JSON in a file named .json"
        ),
    ],
    corrects_final: Annotated[
        bool,
        typer.Option(
            "--corrects-final", help="Correct the final periods that it reaches into, at the next close"
        ),
    ] = False,
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """Create the contract, or a new version of it. A fault is printed with its path in the document; a version that
    reaches into final periods is refused with what would change, unless it is to correct them."""
    answer = asyncio.run(_apply(terms_in(file), database, corrects_final=corrects_final))
    if answer.status_code == httpx2.codes.CONFLICT and answer.json().get("code") == REACHES_FINAL_PERIODS:
        _show_reached(answer.json(), file)
    elif not answer.is_success:
        show_problem(answer)
    else:
        return _print(answer.json(), as_json)
    raise typer.Exit(WRONG)


@app.command()
def new(
    shape: Annotated[Shape, typer.Argument(help="What kind of contract to start from")],
    customer: Annotated[str, typer.Option(help="Whose it is, by its external id")] = "acme",
    meter: Annotated[str, typer.Option(help="What its usage line counts")] = "api_calls",
    start: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Its first day; default: the first of this month"),
    ] = None,
) -> None:
    """Write a contract to start from, as YAML: `contract new hybrid > FILE`, edit it, `contract apply FILE`. It applies
    as it stands where the customer and the meter exist."""
    begins = start.date() if start else datetime.now(UTC).date().replace(day=1)
    typer.echo(contract_of(shape, customer, meter, begins), nl=False)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="The contract's own name, such as acme-2026")],
    terms: Annotated[
        bool, typer.Option("--terms", help="Only the terms of its newest version, as `apply` takes them")
    ] = False,
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """The contract with its versions and clause ids. To amend it: show NAME --terms > FILE, edit `effective`
    and the rest, apply FILE."""
    found = asyncio.run(_show(name, database))
    _print(found["versions"][-1]["terms"] if terms else found, as_json)


@app.command("list")
def list_(
    customer: Annotated[str | None, typer.Option(help="Of this customer alone, by its external id")] = None,
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """Every contract: whose, in what currency, which version is in force."""
    rows = asyncio.run(_list(customer, database))
    if as_json:
        print_json({"object": "list", "data": rows})
        return
    table = folding("contract", "customer", "currency", "version in force", "next period begins")
    for row in rows:
        table.add_row(
            row["contract"],
            row["customer"],
            row["currency"],
            f"{row['version']} of {row['versions_count']}",
            row["next_period_at"] or "-",
        )
    console().print(table if rows else "No contract yet: ./u2c contract apply FILE")


async def _list(customer: str | None, database: str | None) -> list[Any]:
    async with Api("rating", database) as rating:
        return [
            row async for row in rating.pages("/v1/contracts", **({"customer": customer} if customer else {}))
        ]


async def _apply(document: object, database: str | None, *, corrects_final: bool) -> httpx2.Response:
    asked = {"corrects_final": "true"} if corrects_final else {}
    async with Api("rating", database) as rating:
        return await rating.call("POST", "/v1/contracts", json=document, params=asked)


def _show_reached(problem: dict[str, Any], file: Path) -> None:
    """Say of each final period which lines would change, and which document would follow."""
    words = console(as_json=True)
    words.print(problem["title"], style="red", markup=False, soft_wrap=True)
    table = folding("final period", "line", "settled", "would be", "document", "total")
    for one in problem["errors"]:
        period = f"{one['period']['start']} to {one['period']['end']}"
        documents = [(each["kind"].replace("_", " "), each["total"]) for each in one["documents"]]
        lines = [(line["key"], line["before"], line["after"]) for line in one["lines"]]
        # Without a document it says why there is none.
        for line, document in zip_longest(
            lines or [("", "", "")], documents or [(one["detail"], "")], fillvalue=("", "", "")
        ):
            table.add_row(period, *line, *document[:2])
            period = ""
    words.print(table)
    words.print(
        f"Correct them at the next close: ./u2c contract apply {file} --corrects-final\n"
        "or let the version take force after them: its `effective`.",
        markup=False,
        highlight=False,
        soft_wrap=True,
    )


async def _show(name: str, database: str | None) -> dict[str, Any]:
    async with Api("rating", database) as rating:
        answer = await rating.call("GET", f"/v1/contracts/{quote(name, safe='')}")
        if answer.status_code in (httpx2.codes.NOT_FOUND, httpx2.codes.UNPROCESSABLE_ENTITY):
            await _refuse_unknown(rating, name)
        shown: dict[str, Any] = rating.body(answer)
        return shown


async def _refuse_unknown(rating: Api, name: str) -> None:
    """Say what there is instead: a customer's id is often taken for its contract's name."""
    found = await rating.call("GET", "/v1/contracts", params={"customer": name})
    of_customer = [row["contract"] for row in found.json()["data"]] if found.is_success else []
    there = f"Customer {name} has {', '.join(of_customer)}.  " if of_customer else ""
    console(as_json=True).print(
        f'No contract "{name}". {there}All: ./u2c contract list',
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    raise typer.Exit(WRONG)


def _print(answer: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(answer)
    else:
        console().print(
            yaml.safe_dump(answer, sort_keys=False, allow_unicode=True),
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
