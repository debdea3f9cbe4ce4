"""`u2c late`: usage of final periods that came after all was accepted, and what is decided about it."""

import asyncio
from enum import StrEnum
from typing import Annotated, Any
from urllib.parse import quote

import typer

from u2c.api import Api, OfDatabase
from u2c.printing import AsJson, console, folding, print_json


class Decision(StrEnum):
    """What becomes of usage that came too late."""

    BILL = "bill"
    WAIVE = "waive"


app = typer.Typer(
    no_args_is_help=True, help="Usage of final periods that came after all was accepted: bill or waive it."
)


@app.command("list")
def list_(
    contract: Annotated[str | None, typer.Option(help="Of this contract alone")] = None,
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """What waits for a decision: what it would come to if it were billed, and what a decision about it names."""
    rows = asyncio.run(_list(contract, database))
    if as_json:
        print_json({"object": "list", "data": rows})
        return
    table = folding("contract", "period", "events", "lines", "amount", "asked", "seen")
    for row in rows:
        table.add_row(
            row["contract"],
            f"{row['period']['start']} to {row['period']['end']}",
            f"{row['events']:,}",
            "\n".join(_line(line, row) for line in row["lines"]) or row["fault"],
            *(f"{row[of]} {row['currency']}" if row[of] is not None else "-" for of in ("amount", "asked")),
            seen_of(row["watermark"]),
        )
    console().print(table if rows else "No usage waits for a decision.")
    for row in rows:  # on a line of its own: a table breaks it, and it is to be copied
        asked = (
            f"{row['contract']} {row['period']['start']} bill --reason WHY --seen {seen_of(row['watermark'])}"
        )
        console().print(f"./u2c late decide {asked}", markup=False, highlight=False, soft_wrap=True)


@app.command()
def decide(
    contract: Annotated[str, typer.Argument(help="The contract's own name, such as acme-2026")],
    start: Annotated[str, typer.Argument(help="The first day of its period, such as 2026-03-01")],
    decision: Annotated[Decision, typer.Argument(help="What becomes of it")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the decision")],
    seen: Annotated[
        str, typer.Option(help="Up to where: `seen` of late list, so that nobody decides unseen")
    ],
    database: OfDatabase = None,
    as_json: AsJson = False,
) -> None:
    """Bill what is held, in the next correction of the period, or waive it for good."""
    document = {"decision": decision.value, "reason": reason, "up_to": watermark_of(seen)}
    made = asyncio.run(_decide(f"{quote(contract, safe='')}/{quote(start, safe='')}", document, database))
    if as_json:
        print_json(made)
        return
    late = made["late_usage"]
    amount = f", {late['amount']} {late['currency']}" if late["amount"] is not None else ""
    follows = {"bill": "the next correction of the period asks for it", "waive": "nobody is billed for it"}
    console().print(
        f"{late['events']:,} events of {contract}, {late['period']['start']} to {late['period']['end']}{amount}: "
        f"{follows[made['decision']]}.",
        markup=False,
        soft_wrap=True,
    )


def _line(line: dict[str, Any], of: dict[str, Any]) -> str:
    """What a line comes to more; of another period with its start."""
    since = "" if line["period_start"] == of["period"]["start"] else f" of {line['period_start']}"
    return f"{line['key']}{since} {line['quantity']}: {line['amount']}"


def seen_of(watermark: dict[str, int]) -> str:
    """A watermark as one word: partition:batch, …"""
    return ",".join(f"{partition}:{batch}" for partition, batch in sorted(watermark.items()))


def watermark_of(seen: str) -> dict[str, int]:
    """The watermark that such a word says."""
    parts = [part.split(":") for part in seen.split(",")]
    if any(len(part) != 2 or not all(number.isdecimal() for number in part) for part in parts):
        raise typer.BadParameter(
            "give it as `./u2c late list` prints it, such as 0:17,1:23", param_hint="--seen"
        )
    return {partition: int(batch) for partition, batch in parts}


async def _list(contract: str | None, database: str | None) -> list[Any]:
    async with Api("rating", database) as rating:
        asked = {"contract": contract} if contract else {}
        return [row async for row in rating.pages("/v1/late-usage", **asked)]


async def _decide(place: str, document: object, database: str | None) -> dict[str, Any]:
    async with Api("rating", database) as rating:
        made: dict[str, Any] = await rating.post(f"/v1/late-usage/{place}/decision", document)
        return made
