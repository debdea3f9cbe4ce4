"""`u2c service NAME`: one service, or the console, as a container runs it."""

import os
import signal
import sys
import threading
import time
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import uvicorn
from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from shared.http.connections import Connections
from shared.http.inlet import Inlet
from shared.http.limits import BACKLOG_MAX, KEEP_ALIVE_S, connections_within, raise_descriptors
from shared.postgres.setup import PROCESSES
from shared.runtime.garbage import collect_seldom
from shared.runtime.settings import ProcessSettings
from u2c.deployment.secrets import read_secrets
from u2c.deployment.service_flags import listing, settings_of, variables
from u2c.deployment.services import PORTS

SHUTDOWN_TIMEOUT_S = 6
ORPHAN_TIMEOUT_S = 10


def command(
    context: typer.Context,
    name: Annotated[str, typer.Argument(help=", ".join(PROCESSES), show_default=False)],
    list_settings: Annotated[
        bool, typer.Option("--list-settings", help="Print every setting of the service, and end")
    ] = False,
    until_stdin_closes: Annotated[bool, typer.Option(hidden=True)] = False,
) -> None:
    """Run one service until it is told to stop. Every setting is a flag and a variable: see
    --list-settings."""
    if name not in PROCESSES:
        raise typer.BadParameter(f"no service {name}; there are {', '.join(PROCESSES)}", param_hint="NAME")
    if list_settings:
        _print_settings(name)
        return
    os.environ.update(variables(context.args, (name,)))
    _take_secrets()
    if until_stdin_closes:
        threading.Thread(target=_follow_parent, daemon=True).start()
    settings = settings_of(name)()
    collect_seldom()
    connections = Connections(
        connections_within(raise_descriptors(), settings.connections_max, settings.requests_max)
    )
    uvicorn.run(
        f"services.{name}.main:app",
        host=settings.host,
        port=settings.port or PORTS[name],
        loop="uvloop",
        http=partial(Inlet, connections),  # type: ignore[arg-type]
        ws="none",
        log_config=None,
        access_log=False,
        server_header=False,
        backlog=BACKLOG_MAX,
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=SHUTDOWN_TIMEOUT_S,
    )


def _take_secrets() -> None:
    """What `u2c migrate --keys --secrets` wrote for this service: variables that are not given otherwise."""
    folder = os.environ.get("U2C_SECRETS")
    for variable, value in read_secrets(Path(folder)).items() if folder else ():
        os.environ.setdefault(variable, value)


def _follow_parent() -> None:
    """End when the command that started this service is gone, however it went: its end of the pipe closes
    then."""
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)
    time.sleep(ORPHAN_TIMEOUT_S)
    os.kill(os.getpid(), signal.SIGKILL)  # nobody is left who could


def _print_settings(name: str) -> None:
    model: type[ProcessSettings] = settings_of(name)
    words = Console()
    words.print(f"{name}: {model.__doc__.strip()}" if model.__doc__ else name, markup=False, highlight=False)
    for flag, variable, default, what in listing(name):
        words.print(
            f"\n{flag}  {variable}  [default: {default or 'nothing'}]",
            markup=False,
            highlight=False,
            soft_wrap=True,
        )
        if what:
            words.print(Padding(Text(what), (0, 0, 0, 4)))
