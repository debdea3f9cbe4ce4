"""The `u2c` command: one file a verb. Exit codes: 0 fine, 1 the thing checked is wrong, 2 usage, 3
environment (with the remedy)."""

import importlib
import signal
import sys
from importlib import metadata
from typing import Annotated

import typer

from shared.environment_fault import EnvironmentFault
from u2c import lab

#: Every file of `u2c.verbs` and of the lab's verbs, in the order of the help.
VERBS = (
    "up",
    "demo",
    "service",
    "migrate",
    "verify",
    "clock",
    "contract",
    "price",
    "cases",
    "events",
    "kafka",
    "chaos",
    "bench",
    "doctor",
    "test",
    "backtest",
    "dead-letters",
    "customer",
    "late",
    "trace",
    "status",
    "env",
    "console",
    "backup",
    "restore",
)
OF_THE_LAB = {"demo", "chaos", "bench"}
#: They read the rest of the line themselves.
EXTRA_FLAGS = {"service", "up", "test"}
REST_OF_THE_LINE = {"allow_extra_args": True, "ignore_unknown_options": True}
ENVIRONMENT = 3


def run() -> None:
    """Run the command line and exit with its code."""
    # A polite kill ends everything as Ctrl-C does: children first.
    signal.signal(signal.SIGTERM, lambda *_: signal.raise_signal(signal.SIGINT))
    try:
        application(sys.argv[1:2])(prog_name="u2c")
    except EnvironmentFault as fault:
        print(f"u2c: {fault.fault}\n{fault.remedy}", file=sys.stderr)
        sys.exit(ENVIRONMENT)


def application(wanted: list[str]) -> typer.Typer:
    """The Typer app; only the wanted verb's module is imported, so that a service starts without the
    others."""
    made = typer.Typer(
        name="u2c", no_args_is_help=True, add_completion=True, pretty_exceptions_enable=False, help=HELP
    )
    made.callback()(_options)
    for verb in (name for name in VERBS if name in wanted) if set(wanted) & set(VERBS) else VERBS:
        _register(made, verb)
    return made


def _register(made: typer.Typer, verb: str) -> None:
    if verb in OF_THE_LAB and not lab.is_here():
        made.command(verb, context_settings=REST_OF_THE_LINE)(lab.verb_away(verb))
        return
    module = importlib.import_module(
        f"{'lab' if verb in OF_THE_LAB else 'u2c'}.verbs.{verb.replace('-', '_')}"
    )
    if hasattr(module, "app"):
        made.add_typer(module.app, name=verb)
    else:
        settings = REST_OF_THE_LINE if verb in EXTRA_FLAGS else {}
        made.command(verb, context_settings=settings)(module.command)


def _version(asked: bool) -> None:
    if asked:
        print(f"u2c {metadata.version('usage-to-cash')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version")
    ] = False,
) -> None:
    """From a usage event to a proven invoice."""


HELP = "From a usage event to a proven invoice. Exit codes: 0 fine, 1 the thing checked is wrong, 2 usage, 3 environment (with the remedy)."
