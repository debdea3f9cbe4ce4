"""The `u2c` command: one file a verb. Exit codes: 0 fine, 1 the thing checked is wrong, 2 usage, 3
environment (with the remedy)."""

import importlib
import importlib.util
import signal
import sys
from importlib import metadata
from typing import Annotated

import typer

from shared.environment_fault import EnvironmentFault

#: Verb → the module that has it; a module offers `command` (a function) or `app` (a Typer app with verbs
#: below it).
VERBS = {
    "up": "u2c.up",
    "demo": "u2c.demo",
    "service": "u2c.service",
    "migrate": "u2c.migrate",
    "verify": "u2c.verify",
    "clock": "u2c.clock",
    "contract": "u2c.contract",
    "events": "u2c.events",
    "kafka": "u2c.kafka",
    "chaos": "u2c.chaos",
    "bench": "u2c.bench",
    "doctor": "u2c.doctor",
    "test": "u2c.test",
    "backtest": "u2c.backtest",
    "dead-letters": "u2c.dead_letters",
    "customer": "u2c.customer",
    "status": "u2c.status",
    "env": "u2c.env",
    "backup": "u2c.backup.verb",
    "restore": "u2c.backup.restore_verb",
}
EXTRA_FLAGS = {"service", "up", "test"}  # they read the rest of the line themselves
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
    for verb in (name for name in VERBS if name in wanted) if set(wanted) & VERBS.keys() else VERBS:
        _register(made, verb)
    return made


def _register(made: typer.Typer, verb: str) -> None:
    if importlib.util.find_spec(VERBS[verb]) is None:
        return
    module = importlib.import_module(VERBS[verb])
    if hasattr(module, "app"):
        made.add_typer(module.app, name=verb)
    else:
        command = getattr(module, "command", None) or getattr(module, verb)
        settings = {"allow_extra_args": True, "ignore_unknown_options": True} if verb in EXTRA_FLAGS else {}
        made.command(verb, context_settings=settings)(command)


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
