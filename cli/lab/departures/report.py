"""What a person sees at the end: invoices by airline and month, the conservation report, suspense in
money."""

from collections import defaultdict
from decimal import Decimal
from typing import Any

from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table

from lab.departures.figures import MONTHS, Mismatch
from lab.departures.monday import CARGO, LATE_CARRIER, LATE_MONTH, VOID_CARRIER, VOID_MONTH, Waits

MONTH_WIDTH, AMOUNT_WIDTH = 9, 14
BUCKETS = ("stored", "voided", "suspense", "unpriced", "held_late", "waived_late", "held", "applied")
ALWAYS = ("stored", "voided", "suspense", "applied")


def show_documents(console: Console, documents: list[dict[str, Any]]) -> None:
    """One row a month, one column an airline, one total each; as many airlines side by side as the console
    holds. What is no invoice stands below."""
    invoices = [document for document in documents if document["kind"] == "invoice"]
    totals: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    currencies = {}
    for invoice in invoices:
        totals[invoice["customer"], invoice["period"]["start"][:7]] += Decimal(invoice["total"])
        currencies[invoice["customer"]] = invoice["currency"]
    airlines, side_by_side = sorted(currencies), max((console.width - MONTH_WIDTH) // AMOUNT_WIDTH, 1)
    for first in range(0, len(airlines), side_by_side):
        some = airlines[first : first + side_by_side]
        title = f"{len(invoices)} invoices by airline and month" if first == 0 else None
        table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
        table.add_column("month", no_wrap=True)
        for airline in some:
            table.add_column(f"{airline} {currencies[airline]}", justify="right", no_wrap=True)
        for month in MONTHS:
            table.add_row(month, *(f"{totals[airline, month]:,}" for airline in some))
        table.add_section()
        table.add_row(
            "2013", *(f"{sum((totals[airline, month] for month in MONTHS), Decimal()):,}" for airline in some)
        )
        console.print(table)
    for document in documents:
        if document["kind"] != "invoice":
            period = document["period"]
            console.print(
                f"{document['kind'].replace('_', ' ')} {document['number']} to {document['customer']} for {period['start']} to {period['end']}: "
                f"{Decimal(document['total']):,} {document['currency']}",
                highlight=False,
            )


def show_conservation(console: Console, report: dict[str, Any]) -> None:
    """K1–K5, each with what it compared and whether it holds."""
    table = Table(
        title="Conservation: is every event and every cent accounted for?",
        title_justify="left",
        box=SIMPLE,
        pad_edge=False,
    )
    for column in ("", "statement", "figures", "holds"):
        table.add_column(column)
    for statement in report["statements"]:
        holds = "[green]yes[/]" if statement["holds"] else "[bold red]BREAK[/]"
        figures = (
            f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
            for name, value in statement["figures"].items()
        )
        amounts = (
            f"{code} " + ", ".join(f"{what} {Decimal(amount):,}" for what, amount in of.items())
            for code, of in statement["amounts"].items()
        )
        table.add_row(statement["k"], statement["says"], "  ".join([*figures, *amounts]), holds)
    console.print(table)


def show_dispositions(console: Console, dispositions: dict[tuple[str, str], dict[str, Any]]) -> None:
    """Each airline's year by disposition, and what its suspense is worth at list price."""
    sums: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    worth: dict[str, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
    for (airline, _month), figures in dispositions.items():
        for bucket in BUCKETS:
            sums[airline][bucket] += figures.get(bucket, 0)
        for value in figures.get("suspense_value", []):
            worth[airline][value["currency"]] += Decimal(value["amount"])
    title = "What became of every event, and what waits for a contract (suspense, at list price)"
    table = Table(title=title, title_justify="left", box=SIMPLE, pad_edge=False)
    table.add_column("airline", no_wrap=True)
    shown = [
        bucket for bucket in BUCKETS if bucket in ALWAYS or any(counts[bucket] for counts in sums.values())
    ]
    for bucket in (*shown, "suspense value"):
        table.add_column(bucket.replace("_", " "), justify="right", no_wrap=True)
    for airline in sorted(sums):
        money = ", ".join(f"{amount:,} {currency}" for currency, amount in worth[airline].items() if amount)
        table.add_row(airline, *(f"{sums[airline][bucket]:,}" for bucket in shown), money or "-")
    console.print(table)


def show_waiting(console: Console, answer: dict[str, Any]) -> None:
    """What is not on an invoice, and why that is right: open periods, and usage of airlines without a
    contract."""
    still_open: dict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in answer["money"]:
        if not row["final"]:
            still_open[row["currency"], row["period"]["start"][:7]] += Decimal(row["unbilled"])
    for (code, month), amount in sorted(still_open.items()):
        if amount:
            console.print(
                f"{amount:,} {code} is {month}, still open: invoiced when its grace has ended.",
                highlight=False,
            )
    airlines = len({row["customer"] or row["subject"] for row in answer["rows"] if row["suspense"]})
    for value in answer["totals"]["suspense"]:
        console.print(
            f"{Decimal(value['amount']):,} {value['currency']} of {airlines} airlines waits for a contract (account executive).",
            highlight=False,
        )


def show_verdict(console: Console, mismatches: list[Mismatch], documents: int) -> None:
    for mismatch in mismatches:
        console.print(str(mismatch), style="bold red", highlight=False, soft_wrap=True)
    if not mismatches:
        console.print(f"Every figure agrees: {documents} documents, to the cent.", style="bold green")


def show_monday(console: Console, waits: Waits) -> None:
    """What the Monday after the year leaves to do, and where."""
    console.print("Then comes a Monday, and no figure of the year changes by it:")
    for line in (
        f"{waits.suspense} events of {CARGO}, which no customer goes by (GET /v1/suspense of rating)",
        f"{waits.quarantined} events that could not be taken (GET /v1/quarantine of usage_ingest)",
        f"a void of {VOID_CARRIER}'s {VOID_MONTH}, which is invoiced: a credit note at the next close",
        f"{waits.held_late} events of {LATE_CARRIER}'s {LATE_MONTH}, later than is accepted (./u2c late list)",
        f"{waits.failed_deliveries} webhooks that a receiver answered with 502 and that are tried again",
    ):
        console.print(f"  {line}", highlight=False, soft_wrap=True)
