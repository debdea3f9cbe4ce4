"""`u2c up`: every service as a process, on an embedded Postgres; prints where they answer."""

import asyncio
from datetime import datetime
from typing import Annotated, Any

import typer
from rich.console import Console

from shared.postgres.setup import CONSOLE, PROCESSES, SERVICES
from shared.postgres.urls import without_password
from u2c.deployment.cluster import Cluster, ClusterOptions
from u2c.deployment.service_flags import variables
from u2c.instant import parse_instant
from u2c.interrupt import until_interrupted
from u2c.printing import AsJson, console, print_json
from u2c.settings import Bus, default, flag


def command(
    context: typer.Context,
    admin_url: Annotated[str | None, flag("admin_url", "--database-url", "--admin-url")] = default(
        "admin_url"
    ),
    database: Annotated[str, flag("database")] = default("database"),
    base_port: Annotated[int, flag("base_port")] = default("base_port"),
    clock_at: Annotated[datetime | None, flag("clock_at", parser=parse_instant, metavar="INSTANT")] = None,
    bus: Annotated[
        Bus, typer.Option(envvar="U2C_BUS", help="postgres: a log in the same database; kafka: a real broker")
    ] = "postgres",
    kafka_brokers: Annotated[
        str, typer.Option(envvar="U2C_KAFKA_BROKERS", help="Bootstrap servers, with --bus kafka")
    ] = "127.0.0.1:9092",
    host: Annotated[
        str, typer.Option(envvar="U2C_HOST", help="Address the services listen on")
    ] = "127.0.0.1",
    restart: Annotated[bool, flag("restart")] = default("restart"),
    as_json: AsJson = False,
) -> None:
    """Start everything and keep serving until Ctrl-C. The services' own settings are flags here too: `u2c
    service NAME --list-settings`."""
    more = variables(context.args)
    words = console(as_json)
    options = ClusterOptions(
        database=database,
        admin_url=admin_url,
        bus=bus,
        kafka_brokers=kafka_brokers,
        host=host,
        base_port=base_port,
        services=PROCESSES,
        clock_at=clock_at,
        restart=restart,
        environment={"*": more},
        report=lambda line: words.print(f"[yellow]{line}[/yellow]"),
    )
    asyncio.run(_serve(options, words, as_json))


async def _serve(options: ClusterOptions, words: Console, as_json: bool) -> None:
    with words.status("starting …"):
        cluster = Cluster(options)
        await cluster.start()
    try:
        if as_json:
            print_json(_summary(cluster))
        else:
            _show(cluster, words)
        await until_interrupted()
        words.print("stopping …")
    finally:
        await cluster.stop()


def _summary(cluster: Cluster) -> dict[str, Any]:
    urls = {process: cluster.urls[process] for process in PROCESSES}
    return {"urls": urls, "key": cluster.admin_key, "database": cluster.database_url, "pids": cluster.pids()}


def _show(cluster: Cluster, words: Console) -> None:
    """A line a thing, each address whole: a table cuts addresses off on a narrow terminal."""
    words.print("Ready. Ctrl-C ends everything.")
    words.print(
        f"  {CONSOLE:13} {cluster.urls[CONSOLE]}  (who may sign in: ./u2c console user add NAME --role admin)",
        soft_wrap=True,
    )
    for service in SERVICES:
        words.print(f"  {service:13} {cluster.urls[service]}/docs", soft_wrap=True)
    words.print(f"  {'database':13} {without_password(cluster.database_url)}", soft_wrap=True)
    words.print(f"  {'logs':13} {cluster.options.state.logs()}", soft_wrap=True)
    words.print(
        'Into a shell, for README\'s calls:  eval "$(./u2c env)"',
        markup=False,
        highlight=False,
        soft_wrap=True,
    )
    words.print("How it stands:  ./u2c status", markup=False, highlight=False, soft_wrap=True)
