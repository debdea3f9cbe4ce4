"""`u2c kafka`: one Apache Kafka broker on this machine, until Ctrl-C. For trying, tests and the demo; not for
production."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from u2c.deployment.kafka_broker import KafkaBroker
from u2c.deployment.state import State
from u2c.interrupt import until_interrupted
from u2c.printing import AsJson, console, print_json

PORT = 9092


def command(
    port: Annotated[
        int, typer.Option(help="Port of the broker; 0 takes a free one. Kept from the first start on")
    ] = PORT,
    data: Annotated[
        Path | None,
        typer.Option(help="Folder of the broker's data; default: kafka-data/ of the state folder"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Fetch Kafka the first time (Maven), start it, print its address, and stop it at Ctrl-C."""
    broker = KafkaBroker(data or State.default().folder / "kafka-data", port)
    address = broker.start()
    try:
        if as_json:
            print_json({"brokers": address, "pid": broker.pid, "log": str(broker.log)})
        else:
            console().print(
                f"Kafka listens on {address}. Services use it with U2C_BUS=kafka U2C_KAFKA_BROKERS={address}; Ctrl-C ends it."
            )
        asyncio.run(until_interrupted())
    finally:
        broker.stop()
