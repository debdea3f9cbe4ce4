"""What is not every service's: topics belong to their producers, the business clock to rating, and who changed
what to nobody. Derived from the topic registry at every migration."""

import asyncpg

from shared.topics import ALL
from shared.topics.registry import PRODUCTS

CLOCK_MOVER = "rating"
TRIMS_WHAT_PRODUCTS_SAY = "usage_ingest"


def topic_writers() -> list[tuple[str, str, bool]]:
    """Topic, role, and whether it appends: without, it only trims. What products say reaches the log in
    Postgres by nobody's service role."""
    return [
        (
            topic.name,
            _role(TRIMS_WHAT_PRODUCTS_SAY if producer == PRODUCTS else producer),
            producer != PRODUCTS,
        )
        for topic in ALL.values()
        for producer in topic.producers
    ]


async def narrow(connection: asyncpg.Connection, roles: tuple[str, ...]) -> None:
    """Take back from the services what the grants on whole schemas gave them; as administrator, in the
    transaction of those grants."""
    services = ", ".join(roles)
    if await connection.fetchval("select to_regclass('clock.business')"):
        await connection.execute(f"revoke insert, update, delete on clock.business from {services}")
        await connection.execute(f"grant update on clock.business to {_role(CLOCK_MOVER)}")
    if await connection.fetchval("select to_regclass('bus.topic_writers')"):
        await connection.execute(f"revoke insert, update, delete on bus.topic_writers from {services}")
        await connection.execute("delete from bus.topic_writers")
        await connection.executemany(
            "insert into bus.topic_writers (topic, role, appends) values ($1, $2, $3)", topic_writers()
        )
    for role in roles:
        await _keep_audit(connection, role.removeprefix("u2c_"), role)


async def _keep_audit(connection: asyncpg.Connection, schema: str, role: str) -> None:
    """Take a service's audit rows out of its own hands: an owner could drop the trigger that refuses changes.

    Once they are, no lock is asked for: a backup that reads the table would hold up every changing call behind it.
    """
    if await connection.fetchval("select to_regclass($1)", f"{schema}.audit"):
        if await connection.fetchval(
            "select relowner <> current_user::regrole from pg_class where oid = to_regclass($1)",
            f"{schema}.audit",
        ):
            await connection.execute(f"alter table {schema}.audit owner to current_user")
        await connection.execute(f"alter function {schema}.refuse_change_of_audit() owner to current_user")
        await connection.execute(f"revoke all on {schema}.audit from {role}")
        await connection.execute(f"grant select, insert on {schema}.audit to {role}")


def _role(service: str) -> str:
    return f"u2c_{service}"
